using System.CommandLine;
using System.Globalization;
using System.Net;
using Puff.Edge;
using Puff.Output;

namespace Puff.Commands.Edge;

/// <summary>`puff edge run`: serves a key-value store and a blob store until it is stopped.</summary>
internal static class EdgeCommands
{
    private const string DefaultAddress = "[::1]:50051";

    public static Command Create(Terminal terminal)
    {
        var edge = new Command("edge", "A key-value and blob store over streaming gRPC.");
        edge.Subcommands.Add(Run(terminal));
        return edge;
    }

    private static Command Run(Terminal terminal)
    {
        var address = new Argument<string?>("ADDR") { Description = $"Where to listen. [default: {DefaultAddress}]", Arity = ArgumentArity.ZeroOrOne };
        var addresses = new Option<string[]>("--addr") { Description = "Where to listen; may be repeated.", HelpName = "ADDR", DefaultValueFactory = _ => [] };
        var kv = new Option<string>("--kv-store")
        {
            Description = $"File of the key-value store. [default: {EdgeOptions.KvDefault}]", HelpName = "PATH",
            DefaultValueFactory = _ => EdgeOptions.KvDefault,
        };
        var blobs = new Option<string>("--blob-store")
        {
            Description = $"File of the blob store. [default: {EdgeOptions.BlobDefault}]", HelpName = "PATH",
            DefaultValueFactory = _ => EdgeOptions.BlobDefault,
        };
        var sql = new Option<bool>("--allow-sql") { Description = "Take raw SQL on addresses that are not loopback, too." };
        var insecure = new Option<bool>("--insecure") { Description = "Serve addresses that others can reach in plaintext." };
        var certificate = new Option<string>("--tls-cert") { Description = "Certificate in PEM; read again when it changes.", HelpName = "FILE" };
        var certificateKey = new Option<string>("--tls-key") { Description = "The certificate's key in PEM.", HelpName = "FILE" };
        var tokens = new Option<string>("--token-file")
        {
            Description = "Bearer tokens that may call, one a line, with \"read-only\" after those that may not write; read again when it changes.",
            HelpName = "FILE",
        };
        var profile = new Option<string>("--status-profile") { Description = "Whose status codes: puff, or buffdb-sqlite.", DefaultValueFactory = _ => "puff" };
        profile.AcceptOnlyFromAmong("puff", "buffdb-sqlite");
        Option<string> backend = EdgeOptions.Backend();
        var run = new Command("run", "Serve both stores.")
        {
            address, addresses, kv, blobs, sql, insecure, certificate, certificateKey, tokens, profile, backend,
        };
        run.Aliases.Add("serve");
        run.Validators.Add(result =>
        {
            string? positional = result.GetValue(address);
            string[] named = result.GetValue(addresses) ?? [];
            if (positional is not null && named.Length > 0 && !named.Contains(positional))
            {
                result.AddError($"{positional} and --addr {named[0]} name different addresses");
            }

            foreach (string text in positional is null ? named : [positional, .. named])
            {
                if (!TryParse(text, out _))
                {
                    result.AddError($"{text} is no address: HOST:PORT, for example {DefaultAddress}");
                }
            }
        });
        run.Run(terminal, async (arguments, cancellation) =>
        {
            string[] texts = [.. new[] { arguments.GetValue(address) }.OfType<string>().Union(arguments.GetValue(addresses) ?? [])];
            var options = new EdgeServerOptions
            {
                Addresses = [.. (texts.Length == 0 ? [DefaultAddress] : texts).SelectMany(text => TryParse(text, out var points) ? points : [])],
                AllowsSql = arguments.GetValue(sql),
                AllowsPlaintext = arguments.GetValue(insecure),
                CertificateFile = arguments.GetValue(certificate),
                CertificateKeyFile = arguments.GetValue(certificateKey),
                TokenFile = arguments.GetValue(tokens),
                UsesLegacyStatus = arguments.GetValue(profile) == "buffdb-sqlite",
            };
            EdgeEngine engine = EdgeOptions.EngineOf(arguments, backend);
            await ServeAsync(terminal, engine, arguments.GetRequiredValue(kv), arguments.GetRequiredValue(blobs), options, cancellation);
            return true;
        });
        return run;
    }

    private static async Task ServeAsync(
        Terminal terminal, EdgeEngine engine, string kvPath, string blobPath, EdgeServerOptions options, CancellationToken cancellation)
    {
        if (engine != EdgeEngine.Memory && EdgePaths.AreSame(kvPath, blobPath))
        {
            throw new CommandException(ExitCode.Failed, $"{kvPath} and {blobPath} are one file; the two stores need one each (--kv-store, --blob-store)");
        }

        await using KvStore kv = KvStore.Open(engine, kvPath);
        await using BlobStore blobs = BlobStore.Open(engine, blobPath);
        if (engine != EdgeEngine.Memory && EdgePaths.AreSame(kvPath, blobPath))
        {
            throw new CommandException(ExitCode.Failed, $"{kvPath} and {blobPath} are one file; the two stores need one each (--kv-store, --blob-store)");
        }

        await using EdgeServer server = await EdgeServer.StartAsync(kv, blobs, options, cancellation);
        terminal.Say($"puff edge is listening on {string.Join(", ", server.Urls)} ({EdgeEngines.NameOf(engine)}: {kvPath}, {blobPath})");
        await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        terminal.Say("stopping: running calls have ten seconds");
    }

    private static bool TryParse(string text, out IReadOnlyList<IPEndPoint> points)
    {
        points = [];
        int colon = text.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
        {
            return false;
        }

        string host = text[..colon];
        if (host == "localhost")
        {
            points = [new IPEndPoint(IPAddress.Loopback, port), new IPEndPoint(IPAddress.IPv6Loopback, port)];
            return true;
        }

        bool isBracketed = host.StartsWith('[') && host.EndsWith(']');
        if (!IPAddress.TryParse(isBracketed ? host[1..^1] : host, out IPAddress? address) || isBracketed != host.Contains(':', StringComparison.Ordinal))
        {
            return false;
        }

        points = [new IPEndPoint(address, port)];
        return true;
    }
}
