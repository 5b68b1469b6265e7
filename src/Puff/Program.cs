using Puff;
using Puff.Output;

return await CommandLine.RunAsync(args, Terminal.System);
