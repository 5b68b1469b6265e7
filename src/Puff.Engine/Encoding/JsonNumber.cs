using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Puff.Engine.Encoding;

/// <summary>
/// One JSON number taken apart: sign, digits as an integer, and the power of ten to multiply it by. Digits are read eight at a time within a word,
/// as in D. Lemire, "Number parsing at a gigabyte per second", Software: Practice and Experience 51(8), 2021. Vectors have random signs and lengths,
/// which no branch predictor guesses, so the common path does not branch on them.
/// </summary>
internal readonly unsafe struct JsonNumber
{
    // What a 64-bit integer holds whatever the digits are.
    private const int MostDigits = 19;
    private const int ExponentCap = 100_000_000;
    private const ulong ZeroDigits = 0x3030_3030_3030_3030;

    private readonly byte* token;
    private readonly byte* tokenEnd;
    private readonly ulong digits;
    private readonly int exponent;
    private readonly bool complete;

    private JsonNumber(byte* token, byte* tokenEnd, ulong digits, int exponent, bool isInteger, bool complete)
    {
        this.token = token;
        this.tokenEnd = tokenEnd;
        this.digits = digits;
        this.exponent = exponent;
        this.complete = complete;
        IsInteger = isInteger;
    }

    public bool IsNegative => *token == '-';

    /// <summary>All bits set for a negative number, none for others: lets callers choose without a branch.</summary>
    public ulong SignMask => 0 - (*token == '-' ? 1UL : 0UL);

    /// <summary>Written without fraction and exponent, and with a magnitude below 2^64.</summary>
    public bool IsInteger { get; }

    /// <summary>The absolute value of an integer.</summary>
    public ulong Magnitude => digits;

    /// <summary>Whether a number, or an attempt at one, begins with this byte.</summary>
    public static bool CanBeginWith(byte value) => value == '-' || IsDigit(value);

    /// <summary>Reads the number at <paramref name="token"/>, which lies before <paramref name="end"/>.</summary>
    /// <returns>The address behind the number, or null when there is none: <see cref="Explain"/> knows why.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Read(byte* token, byte* end, out JsonNumber number)
    {
        byte* integerStart = token + (*token == '-' ? 1 : 0);
        byte* p = integerStart + 1;
        ulong digits = 0;
        if (p < end && *p == '.' && IsDigit(*integerStart))
        {
            digits = (ulong)(*integerStart - '0'); // one digit, as in nearly every element of an embedding
        }
        else
        {
            p = ReadDigits(integerStart, end, ref digits);
        }

        long digitCount = p - integerStart;
        if (digitCount == 0 || (digitCount > 1 && *integerStart == '0'))
        {
            number = default;
            return null;
        }

        bool malformed = false;
        bool integer = true;
        int exponent = 0;
        if (p < end && *p == '.')
        {
            byte* fractionStart = p + 1;
            p = ReadDigits(fractionStart, end, ref digits);
            exponent = (int)(fractionStart - p);
            digitCount -= exponent;
            malformed = exponent == 0;
            integer = false;
        }

        if (p < end && (*p | 0x20) == 'e')
        {
            byte* exponentEnd = ReadExponent(p + 1, end, out int written);
            p = exponentEnd;
            exponent = Math.Max(exponent + written, -ExponentCap);
            malformed |= !IsDigit(exponentEnd[-1]);
            integer = false;
        }

        digitCount -= *integerStart == '0' ? 1 : 0;
        bool complete = digitCount <= MostDigits || FitsNevertheless(integerStart, p);
        number = new JsonNumber(token, p, digits, exponent, integer && complete, complete);
        return malformed ? null : p;
    }

    /// <summary>Why there is no number at <paramref name="token"/>, and at which byte that shows.</summary>
    public static string Explain(byte* token, byte* end, out byte* offender)
    {
        ulong ignored = 0;
        byte* start = *token == '-' ? token + 1 : token;
        byte* p = ReadDigits(start, end, ref ignored);
        offender = start;
        if (p == start)
        {
            return "a digit is missing here";
        }

        if (*start == '0' && p != start + 1)
        {
            return "a number may not begin with a superfluous zero";
        }

        if (p < end && *p == '.')
        {
            offender = p + 1;
            p = ReadDigits(p + 1, end, ref ignored);
            if (p == offender)
            {
                return "a digit is missing after the decimal point";
            }
        }

        offender = ReadExponent(p + 1, end, out _);
        return "a digit is missing in the exponent";
    }

    /// <summary>
    /// The single nearest to the number, ties to even; infinite when it is out of range. One multiplication in double precision carries less error than
    /// three units in its last place. Only where that could change the rounding to a single is the text converted digit by digit.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float ToSingle()
    {
        const uint BelowSingle = (1u << 29) - 1; // bits of a double's mantissa that a single lacks
        const uint Midpoint = 1u << 28;
        const uint Doubt = 4;
        const double SmallestNormal = 1.1754943508222875e-38;

        uint power = (uint)(exponent - PowersOfTen.Smallest);
        if (complete && power < (uint)PowersOfTen.Count)
        {
            double value = digits * PowersOfTen.At(power);
            ulong bits = BitConverter.DoubleToUInt64Bits(value);
            if (value is >= SmallestNormal and <= float.MaxValue && ((uint)bits & BelowSingle) - (Midpoint - Doubt) > 2 * Doubt)
            {
                return (float)BitConverter.UInt64BitsToDouble(bits | (SignMask << 63));
            }
        }

        return complete && digits == 0 ? ZeroAsWritten(token) : ParseDigitByDigit(token, tokenEnd);
    }

    /// <summary>The double nearest to the number, ties to even; infinite when it is out of range.</summary>
    public double ToDouble()
    {
        const ulong ExactIntegers = 1UL << 53;

        // Both operands are exact, so the one rounding of the quotient or product is the right one (W. D. Clinger, PLDI 1990).
        if (complete && digits <= ExactIntegers && Math.Abs(exponent) <= PowersOfTen.LargestExact)
        {
            double value = exponent < 0
                ? digits / PowersOfTen.At((uint)(-exponent - PowersOfTen.Smallest))
                : digits * PowersOfTen.At((uint)(exponent - PowersOfTen.Smallest));
            return IsNegative ? -value : value;
        }

        return double.Parse(new ReadOnlySpan<byte>(token, (int)(tokenEnd - token)), NumberStyles.Float, CultureInfo.InvariantCulture);
    }

    // Given pointers, not the number: one whose address is taken would live in memory instead of registers.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static float ParseDigitByDigit(byte* token, byte* tokenEnd) =>
        float.Parse(new ReadOnlySpan<byte>(token, (int)(tokenEnd - token)), NumberStyles.Float, CultureInfo.InvariantCulture);

    private static float ZeroAsWritten(byte* token) => *token == '-' ? -0f : 0f;

    private static bool IsDigit(byte value) => (uint)(value - '0') < 10;

    /// <summary>Appends decimal digits to <paramref name="value"/> (modulo 2^64) and returns the address of the first byte that is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* ReadDigits(byte* p, byte* end, ref ulong value)
    {
        ulong result = value;
        while (BitConverter.IsLittleEndian && end - p >= 8)
        {
            ulong chunk = Unsafe.ReadUnaligned<ulong>(p) ^ ZeroDigits; // digits become 0..9, all other bytes more
            ulong others = ((chunk + 0x7676_7676_7676_7676) | chunk) & 0x8080_8080_8080_8080; // exact up to the first other byte
            if (others != 0)
            {
                int count = BitOperations.TrailingZeroCount(others) >> 3;
                ulong justDigits = chunk << (56 - 8 * count) << 8; // in two steps, because a shift by 64 is one by 0
                value = result * PowersOfTen.Integer(count) + EightDigits(justDigits);
                return p + count;
            }

            result = result * 100_000_000 + EightDigits(chunk);
            p += 8;
        }

        for (; p < end && IsDigit(*p); p++)
        {
            result = result * 10 + (uint)(*p - '0');
        }

        value = result;
        return p;
    }

    /// <summary>The number that eight bytes of 0..9 spell, the first one in the lowest byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong EightDigits(ulong bytes)
    {
        const ulong EveryFourth = 0x0000_00FF_0000_00FF;
        ulong pairs = bytes * 10 + (bytes >> 8);
        ulong upper = (pairs & EveryFourth) * (100 + (1_000_000UL << 32));
        ulong lower = ((pairs >> 16) & EveryFourth) * (1 + (10_000UL << 32));
        return (uint)((upper + lower) >> 32);
    }

    /// <summary>Reads sign and digits of an exponent; the byte before the address returned is a digit unless there is none.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* ReadExponent(byte* p, byte* end, out int exponent)
    {
        bool negative = p < end && *p == '-';
        if (negative || (p < end && *p == '+'))
        {
            p++;
        }

        int value = 0;
        for (; p < end && IsDigit(*p); p++)
        {
            value = Math.Min(value * 10 + (*p - '0'), ExponentCap);
        }

        exponent = negative ? -value : value;
        return p;
    }

    /// <summary>
    /// Whether more than 19 digits are a 64-bit integer all the same, so that reading them modulo 2^64 lost nothing: because they begin with zeros,
    /// as those of small numbers do, or are twenty and below 2^64.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool FitsNevertheless(byte* p, byte* end)
    {
        while (p < end && (*p is (byte)'0' or (byte)'.'))
        {
            p++;
        }

        int count = 0;
        ulong first = 0;
        ulong last = 0;
        for (; p < end && (*p | 0x20) != 'e'; p++)
        {
            if (*p != '.')
            {
                first = count < MostDigits ? first * 10 + (uint)(*p - '0') : first;
                last = (uint)(*p - '0');
                count++;
            }
        }

        bool twentyFit = first < ulong.MaxValue / 10 || (first == ulong.MaxValue / 10 && last <= ulong.MaxValue % 10);
        return count <= MostDigits || (count == MostDigits + 1 && twentyFit);
    }
}
