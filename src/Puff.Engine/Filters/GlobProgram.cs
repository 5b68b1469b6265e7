using System.Buffers;

namespace Puff.Engine.Filters;

internal enum GlobOperation : byte
{
    /// <summary>One character equal to the argument.</summary>
    Literal,

    /// <summary>One character, whichever.</summary>
    Any,

    /// <summary>One character of a class.</summary>
    Class,

    /// <summary>Continues with the next instruction and also at the argument.</summary>
    Split,

    /// <summary>Continues at the argument.</summary>
    Jump,

    /// <summary>This way leads nowhere.</summary>
    Fail,

    /// <summary>Matches if the text ends here.</summary>
    Match,
}

internal readonly record struct GlobInstruction(GlobOperation Operation, int Argument, GlobClass? Class);

/// <summary>The characters of `[...]`.</summary>
internal sealed record GlobClass((int First, int Last)[] Ranges, bool Negated)
{
    public bool Contains(int character)
    {
        foreach (var (first, last) in Ranges)
        {
            if (character >= first && character <= last)
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>
/// A compiled glob, run as a set of states that advance together over the code points (K. Thompson, "Regular expression search algorithm", 1968):
/// time is at most text × program, whatever the pattern. It counts its work, and refuses to go on when it is too much; not for several threads at once.
/// </summary>
internal sealed class GlobProgram
{
    /// <summary>Steps that any pattern may take.</summary>
    public const long FreeSteps = 1L << 24;

    /// <summary>Steps for each character beyond that: ordinary patterns take a few.</summary>
    public const long StepsOfCharacter = 64;

    private const int MaxStackStates = 128;

    private readonly GlobInstruction[] program;
    private readonly bool ignoreCase;

    // The loop of a `*` that ends the pattern: whoever gets there matches, whatever follows.
    private readonly int finalRun;

    public GlobProgram(GlobInstruction[] program, bool ignoreCase)
    {
        this.program = program;
        this.ignoreCase = ignoreCase;
        int loop = program.Length - 4;
        bool endsInRun = loop >= 0 && program[loop] == new GlobInstruction(GlobOperation.Split, program.Length - 1, null)
            && program[loop + 1].Operation == GlobOperation.Any && program[loop + 2] == new GlobInstruction(GlobOperation.Jump, loop, null);
        finalRun = endsInRun ? loop : -1;
    }

    /// <summary>States that were advanced by a character so far.</summary>
    public long Steps { get; private set; }

    /// <summary>Characters read so far.</summary>
    public long Characters { get; private set; }

    public ReadOnlySpan<GlobInstruction> Instructions => program;

    public bool IgnoresCase => ignoreCase;

    /// <summary>The number of the loop of a `*` that ends the pattern, or -1.</summary>
    public int FinalRun => finalRun;

    /// <summary>Does the whole text match?</summary>
    public bool Matches(ReadOnlySpan<byte> utf8)
    {
        int length = program.Length;
        int[]? rented = length > MaxStackStates ? ArrayPool<int>.Shared.Rent(length * 4) : null;
        Span<int> memory = rented ?? stackalloc int[MaxStackStates * 4];
        var states = new States(memory[..length], memory.Slice(length, length), memory.Slice(length * 2, length), memory.Slice(length * 3, length));
        try
        {
            return Run(utf8, ref states);
        }
        finally
        {
            if (rented is not null)
            {
                ArrayPool<int>.Shared.Return(rented);
            }
        }
    }

    private bool Run(ReadOnlySpan<byte> utf8, ref States states)
    {
        states.Marks.Clear();
        states.Begin();
        if (Add(0, ref states))
        {
            return true;
        }

        while (!utf8.IsEmpty && states.NextCount > 0)
        {
            states.Begin();
            CountStep(states.CurrentCount);
            int character = CodePointFolding.Next(ref utf8);
            int folded = ignoreCase ? CodePointFolding.Fold(character) : character;
            for (int i = 0; i < states.CurrentCount; i++)
            {
                int state = states.Current[i];
                if (Accepts(program[state], character, folded) && Add(state + 1, ref states))
                {
                    return true;
                }
            }
        }

        return utf8.IsEmpty && states.NextContains(program.Length - 1);
    }

    private void CountStep(int count)
    {
        Steps += count;
        Characters++;
        if (Steps > FreeSteps && Steps - FreeSteps > Characters * StepsOfCharacter)
        {
            throw PuffException.Invalid(
                "a glob of the filter leaves too many ways to match open to be tried on so many values; use fewer * and alternatives, or narrow the filter");
        }
    }

    private bool Accepts(in GlobInstruction instruction, int character, int folded) => instruction.Operation switch
    {
        GlobOperation.Literal => instruction.Argument == folded,
        GlobOperation.Any => true,
        GlobOperation.Class => Contains(instruction.Class!, character, folded) != instruction.Class!.Negated,
        _ => false,
    };

    private bool Contains(GlobClass @class, int character, int folded) => @class.Contains(character)
        || (ignoreCase && (@class.Contains(folded) || @class.Contains(Upper(folded))));

    private static int Upper(int codePoint) => System.Text.Rune.IsValid(codePoint)
        ? System.Text.Rune.ToUpperInvariant(new System.Text.Rune(codePoint)).Value
        : codePoint;

    /// <summary>Adds a state and all that are reached from it without a character; true when the match is certain.</summary>
    private bool Add(int first, ref States states)
    {
        int depth = 0;
        states.Push(ref depth, first);
        while (depth > 0)
        {
            int state = states.Pending[--depth];
            if (state == finalRun)
            {
                return true;
            }

            switch (program[state].Operation)
            {
                case GlobOperation.Split:
                    states.Push(ref depth, program[state].Argument);
                    states.Push(ref depth, state + 1);
                    break;
                case GlobOperation.Jump:
                    states.Push(ref depth, program[state].Argument);
                    break;
                case GlobOperation.Fail:
                    break;
                default:
                    states.Next[states.NextCount++] = state;
                    break;
            }
        }

        return false;
    }

    /// <summary>The states before and after a character; a mark says in which step a state was reached last, so that none is entered twice.</summary>
    private ref struct States(Span<int> current, Span<int> next, Span<int> pending, Span<int> marks)
    {
        private readonly Span<int> pending = pending;
        private readonly Span<int> marks = marks;
        private int step = 0;

        public Span<int> Current { get; private set; } = current;

        public int CurrentCount { get; private set; } = 0;

        public Span<int> Next { get; private set; } = next;

        public int NextCount { get; set; } = 0;

        public readonly Span<int> Pending => pending;

        public readonly Span<int> Marks => marks;

        public void Begin()
        {
            var swapped = Current;
            Current = Next;
            Next = swapped;
            CurrentCount = NextCount;
            NextCount = 0;
            step++;
        }

        /// <summary>Each state is pushed at most once a step, so that the stack never outgrows the program.</summary>
        public readonly void Push(ref int depth, int state)
        {
            if (marks[state] != step)
            {
                marks[state] = step;
                pending[depth++] = state;
            }
        }

        public readonly bool NextContains(int state) => Next[..NextCount].Contains(state);
    }
}
