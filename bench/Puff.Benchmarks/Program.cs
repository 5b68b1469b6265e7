using BenchmarkDotNet.Running;
using Puff.Benchmarks;

// Kernels alone, in one process. With --scan, --parse or --bodies: a short comparison. Otherwise BenchmarkDotNet, for example --filter '*DotProduct*'.
switch (args)
{
    case ["--scan", ..]:
        ScanReport.Run();
        break;
    case ["--parse", ..]:
        ParseReport.Run();
        break;
    case ["--bodies", ..]:
        BodyReport.Run();
        break;
    default:
        BenchmarkSwitcher.FromAssembly(typeof(ScanReport).Assembly).Run(args);
        break;
}
