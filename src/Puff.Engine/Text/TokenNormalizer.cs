namespace Puff.Engine.Text;

/// <summary>Steps 4 to 6 of turbopuffer-api 6.1 on tokens cut and lower-cased already: stop words, stems, ASCII folding. Immutable.</summary>
internal sealed class TokenNormalizer(StopWords? stopWords, Stemmer? stemmer, bool isFolded, bool isLowerCased)
{
    private const int LongestFolding = 4;

    /// <summary>
    /// Normalises the tokens from <paramref name="first"/> on; those from <paramref name="words"/> on are beginnings of words and only folded.
    /// </summary>
    public void Normalize(TokenBuffer tokens, int first, int words)
    {
        if (stopWords is null && stemmer is null && !isFolded)
        {
            return;
        }

        int kept = first;
        for (int i = first; i < tokens.Count; i++)
        {
            if (i < words && stopWords is not null && stopWords.Contains(tokens.Term(i)))
            {
                continue;
            }

            tokens.Tokens[kept] = tokens.Tokens[i];
            if (i < words && stemmer is not null)
            {
                Stem(tokens, kept);
            }

            if (isFolded)
            {
                Fold(tokens, kept);
            }

            kept++;
        }

        tokens.Truncate(kept);
    }

    private void Stem(TokenBuffer tokens, int i)
    {
        var stem = tokens.Stems.Stem(stemmer!, tokens.Term(i));

        // A word that is nothing but endings stays as it is.
        if (!stem.IsEmpty)
        {
            Replace(tokens, i, stem);
        }
    }

    private static void Replace(TokenBuffer tokens, int i, ReadOnlySpan<byte> term)
    {
        ref var token = ref tokens.Tokens[i];
        if (term.Length > token.TermLength)
        {
            token.TermStart = tokens.BytesUsed;
            tokens.BytesUsed += term.Length;
        }

        token.TermLength = term.Length;
        term.CopyTo(tokens.BytesAt(token.TermStart, term.Length));
    }

    private void Fold(TokenBuffer tokens, int i)
    {
        if (System.Text.Ascii.IsValid(tokens.Term(i)))
        {
            return;
        }

        int from = tokens.BytesUsed;
        int used = 0;

        // A character of at least two bytes becomes at most four.
        var target = tokens.BytesAt(from, (tokens.Term(i).Length * 2) + LongestFolding);
        var term = tokens.Term(i);
        bool isChanged = false;
        for (int at = 0; at < term.Length;)
        {
            int codePoint = CodePoints.Decode(term, at, out int length);
            at += length;
            string? ascii = AsciiFolding.Find(codePoint);
            isChanged |= ascii is not null;
            used += ascii is null ? CodePoints.Encode(codePoint, target[used..]) : System.Text.Encoding.ASCII.GetBytes(ascii, target[used..]);
        }

        if (!isChanged)
        {
            return;
        }

        used = isLowerCased ? Lower(target, used) : used;
        ref var token = ref tokens.Tokens[i];
        token.TermStart = from;
        token.TermLength = used;
        tokens.BytesUsed = from + used;
    }

    /// <summary>Lower-cases what folding brought in; the rest is in lower case already.</summary>
    private static int Lower(Span<byte> term, int length)
    {
        for (int i = 0; i < length; i++)
        {
            term[i] = term[i] is >= (byte)'A' and <= (byte)'Z' ? (byte)(term[i] | 0x20) : term[i];
        }

        return length;
    }
}
