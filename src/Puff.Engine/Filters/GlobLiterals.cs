using System.Text;

namespace Puff.Engine.Filters;

/// <summary>The literal runs that every text a glob matches contains.</summary>
/// <param name="Prefix">Every such text begins so; empty when nothing is known, as under ignored case.</param>
/// <param name="IsPrefixOnly">Every text with the prefix matches.</param>
/// <param name="Literals">UTF-8 of the runs.</param>
internal sealed record GlobLiterals(byte[] Prefix, bool IsPrefixOnly, IReadOnlyList<byte[]> Literals)
{
    private const int Replacement = 0xFFFD;

    /// <summary>ASCII characters that some other character folds to: a text may match them and not have them.</summary>
    private static readonly bool[] FoldedTo = FindFoldedTo();

    public static GlobLiterals Of(GlobProgram program)
    {
        var instructions = program.Instructions;
        bool[] optional = FindOptional(instructions);
        var literals = new List<byte[]>();
        byte[] prefix = [];
        bool isPrefixOnly = false;
        for (int at = 0; at < instructions.Length; at++)
        {
            int start = at;
            var run = new StringBuilder();
            while (!optional[at] && IsCertain(instructions[at], program.IgnoresCase))
            {
                run.Append(new Rune(instructions[at++].Argument).ToString());
            }

            if (at == start)
            {
                continue;
            }

            byte[] literal = System.Text.Encoding.UTF8.GetBytes(run.ToString());
            literals.Add(literal);
            if (start == 0 && !program.IgnoresCase)
            {
                prefix = literal;
                isPrefixOnly = at == program.FinalRun;
            }
        }

        return new GlobLiterals(prefix, isPrefixOnly, literals);
    }

    /// <summary>
    /// The literal runs of each of several parts of a text. Of as many parts as edits and one more, one part is untouched: a text within the distance has it.
    /// </summary>
    public static IEnumerable<IReadOnlyList<byte[]>> OfParts(int[] text, int parts, bool ignoresCase)
    {
        for (int part = 0; part < parts; part++)
        {
            var program = text[(text.Length * part / parts)..(text.Length * (part + 1) / parts)]
                .Select(c => new GlobInstruction(GlobOperation.Literal, c, null));
            yield return Of(new GlobProgram([.. program, new GlobInstruction(GlobOperation.Match, 0, null)], ignoresCase)).Literals;
        }
    }

    private static bool IsCertain(in GlobInstruction instruction, bool ignoresCase)
    {
        int character = instruction.Argument;
        return instruction.Operation == GlobOperation.Literal && Rune.IsValid(character) && character != Replacement
            && (!ignoresCase || (character < FoldedTo.Length && !FoldedTo[character]));
    }

    /// <summary>What lies between a split or jump and its target may be left out or repeated.</summary>
    private static bool[] FindOptional(ReadOnlySpan<GlobInstruction> instructions)
    {
        var changes = new int[instructions.Length + 1];
        for (int at = 0; at < instructions.Length; at++)
        {
            if (instructions[at].Operation is GlobOperation.Split or GlobOperation.Jump)
            {
                changes[Math.Min(at, instructions[at].Argument) + 1]++;
                changes[Math.Max(at, instructions[at].Argument)]--;
            }
        }

        var optional = new bool[instructions.Length];
        int depth = 0;
        for (int at = 0; at < optional.Length; at++)
        {
            depth += changes[at];
            optional[at] = depth > 0;
        }

        return optional;
    }

    private static bool[] FindFoldedTo()
    {
        var found = new bool[128];
        for (int character = 128; character <= char.MaxValue; character++)
        {
            int folded = CodePointFolding.Fold(character);
            if (folded < found.Length)
            {
                found[folded] = true;
            }
        }

        return found;
    }
}
