namespace Puff.Engine.Text;

/// <summary>Room to stem words in, with a cache that comes to life once there are enough words for it to pay.</summary>
internal sealed class StemScratch
{
    private const int WordsBeforeCache = 1024;

    private readonly StemWord word = new();
    private byte[] stem = new byte[256];
    private Stemmer? owner;
    private StemCache? cache;
    private int words;

    /// <returns>The stem, valid until the next call.</returns>
    public ReadOnlySpan<byte> Stem(Stemmer stemmer, ReadOnlySpan<byte> term)
    {
        if (owner != stemmer)
        {
            owner = stemmer;
            cache = null;
            words = 0;
        }

        if (term.Length > StemCache.MaxWordLength)
        {
            return Compute(stemmer, term);
        }

        if (cache is null)
        {
            if (words++ < WordsBeforeCache)
            {
                return Compute(stemmer, term);
            }

            cache = new StemCache();
        }

        int slot = cache.Find(term, out bool isKnown);
        if (isKnown)
        {
            return cache.Stem(slot);
        }

        var computed = Compute(stemmer, term);
        cache.Store(slot, term, computed);
        return computed;
    }

    private ReadOnlySpan<byte> Compute(Stemmer stemmer, ReadOnlySpan<byte> term)
    {
        word.Set(term);
        stemmer.Stem(word);
        int needed = System.Text.Encoding.UTF8.GetMaxByteCount(word.Length);
        if (stem.Length < needed)
        {
            stem = new byte[needed];
        }

        return stem.AsSpan(0, System.Text.Encoding.UTF8.GetBytes(word.Text, stem));
    }
}
