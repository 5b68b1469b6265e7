using BenchmarkDotNet.Running;
using Puff.Benchmarks;

// Kernels alone, in one process. With --scan, --codes, --parse, --bodies, --tree, --analyze, --transforms, --convert, --lists: a report. Otherwise
// BenchmarkDotNet, as in --filter '*TopK*'.
switch (args)
{
    case ["--scan", ..]:
        ScanReport.Run();
        break;
    case ["--codes", ..]:
        CodeReport.Run();
        break;
    case ["--parse", ..]:
        ParseReport.Run();
        break;
    case ["--bodies", ..]:
        BodyReport.Run();
        break;
    case ["--analyze", ..]:
        AnalyzeReport.Run();
        break;
    case ["--tree", .. var arguments]:
        TreeReport.Run(arguments);
        break;
    case ["--transforms", .. var arguments]:
        await TransformReport.RunAsync(arguments is [var runtime] ? runtime : "auto");
        break;
    case ["--lists", ..]:
        ListReport.Run();
        break;
    case ["--convert", ..]:
        ConvertReport.Run();
        break;
    default:
        BenchmarkSwitcher.FromAssembly(typeof(ScanReport).Assembly).Run(args);
        break;
}
