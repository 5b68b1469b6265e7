using Puff.Engine;

namespace Puff.TestKit.Simulation;

/// <summary>Judges, after a run, what each client was told by what is true.</summary>
internal static class Verdict
{
    public static void Judge(ClusterTruth truth, Action<string> complain)
    {
        foreach (var operation in truth.Operations.Values.OrderBy(o => o.Responded))
        {
            string? complaint = operation.IsAcknowledged ? JudgeAnswer(truth, operation)
                : operation.IsRefused ? JudgeRefusal(truth, operation)
                : null;
            if (complaint is not null)
            {
                complain($"{operation}: {complaint}");
            }
        }
    }

    private static string? JudgeAnswer(ClusterTruth truth, ClientOperation operation)
    {
        var target = truth.Of(operation.Target);
        var during = target.During(operation.Invoked, operation.Responded);
        var met = target.During(operation.Invoked, operation.Responded, withInvisible: true);
        switch (operation.Kind)
        {
            case ClientKind.Write:
                return NotCommitted(operation) ?? (operation.Expected == Told(operation) ? null : $"said {Told(operation)}, but did {operation.Expected}");
            case ClientKind.IdleWrite:
                return Told(operation) != default ? "changed something"
                    : met.Any(s => s.IsLive && !s.IsReadOnly) ? null : "was accepted although the namespace did not exist or was read-only";
            case ClientKind.Delete:
                int claimed = target.Deletions.FindIndex(s => s >= operation.Invoked && s <= operation.Responded);
                if (claimed >= 0)
                {
                    target.Deletions.RemoveAt(claimed);
                }

                return claimed >= 0 ? null : "the acknowledged deletion is not in the log";
            case ClientKind.SetReadOnly:
                return target.Settings.Exists(s => s.Step >= operation.Invoked && s.Step <= operation.Responded && s.ReadOnly == operation.Flag)
                    ? null
                    : "the acknowledged setting is not in the log";
            case ClientKind.Branch or ClientKind.Copy:
                return NotCommitted(operation)
                    ?? (operation.Result!.RowsAffected == operation.Expected.Upserted ? null
                        : $"brought {operation.Expected.Upserted} documents, but said {operation.Result!.RowsAffected}");
            case ClientKind.StrongRead:
                return during.Any(s => s.IsLive && Sees(operation, s)) ? null : "a strong read saw what was never there" + Difference(operation, during);
            case ClientKind.EventualRead:
                return target.Until(operation.Responded).Any(s => s.IsLive && Sees(operation, s)) ? null : "an eventual read saw what was never there";
            case ClientKind.Describe:
                return during.Any(s => s.IsLive && s.IsReadOnly == operation.SeenReadOnly && s.Attributes.SetEquals(operation.SeenNames!))
                    ? null
                    : "the description fits no moment of the request";
            default:
                return JudgeListing(truth, operation);
        }
    }

    private static string? JudgeRefusal(ClusterTruth truth, ClientOperation operation)
    {
        if (operation.Committed is { } step)
        {
            return $"was refused and yet applied at step {step}";
        }

        var during = truth.Of(operation.Target).During(operation.Invoked, operation.Responded, withInvisible: true);
        bool justified = (operation.Error!.Kind, operation.Kind) switch
        {
            (ErrorKind.NotFound, ClientKind.Write) => false,
            (ErrorKind.NotFound, ClientKind.EventualRead) => truth.Of(operation.Target).Until(operation.Responded).Any(s => !s.IsLive),
            (ErrorKind.NotFound, ClientKind.Branch or ClientKind.Copy) =>
                truth.Of(operation.Source!).During(operation.Invoked, operation.Responded, withInvisible: true).Any(s => !s.IsLive),
            (ErrorKind.NotFound, _) => during.Any(s => !s.IsLive),
            (ErrorKind.Invalid, ClientKind.Write or ClientKind.IdleWrite) => during.Any(s => s.IsReadOnly),
            (ErrorKind.Invalid, ClientKind.Copy) => during.Any(s => s.IsLive),
            (ErrorKind.Conflict, ClientKind.Branch or ClientKind.Copy) => true,
            _ => false,
        };
        return justified ? null : "nothing justifies the error";
    }

    private static string? JudgeListing(ClusterTruth truth, ClientOperation operation)
    {
        foreach (var target in truth.Namespaces)
        {
            string name = target.Keys.Name;
            var during = target.During(operation.Invoked, operation.Responded).ToArray();
            if (operation.SeenNames!.Contains(name) ? !Array.Exists(during, s => s.IsLive) : Array.TrueForAll(during, s => s.IsLive))
            {
                return $"the listing is wrong about \"{name}\"";
            }
        }

        return null;
    }

    private static string? NotCommitted(ClientOperation operation) =>
        operation.Committed is not { } step ? "was acknowledged and is lost"
        : step > operation.Responded ? $"was acknowledged before it was applied at step {step}" : null;

    private static ModelResult Told(ClientOperation operation) =>
        new(operation.Result?.RowsUpserted ?? 0, operation.Result?.RowsPatched ?? 0, operation.Result?.RowsDeleted ?? 0);

    private static bool Sees(ClientOperation operation, ModelState state) =>
        operation.Seen == (operation.Filter is { } filter ? ModelState.Render(state, d => filter.Holds(d)) : state.Text);

    private static string Difference(ClientOperation operation, IEnumerable<ModelState> during) =>
        ModelState.Difference(ModelState.Render(during.Last(), d => operation.Filter?.Holds(d) ?? true), operation.Seen!);
}
