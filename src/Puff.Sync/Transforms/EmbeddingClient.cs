using Puff.Sync.Migrations;

namespace Puff.Sync.Transforms;

/// <summary>What embedding did and cost: `embed_requests_total`, `embed_tokens_total`, `embed_cache_hits_total`, `embed_skipped_total`.</summary>
internal sealed class EmbeddingCounters
{
    private long requests;
    private long tokens;
    private long cacheHits;
    private long skipped;

    public long Requests => Interlocked.Read(ref requests);

    public long Tokens => Interlocked.Read(ref tokens);

    /// <summary>Documents whose vector was in the cache.</summary>
    public long CacheHits => Interlocked.Read(ref cacheHits);

    /// <summary>Documents that share a text with another one of their batch, or have none.</summary>
    public long Skipped => Interlocked.Read(ref skipped);

    public void AddRequest(long spent)
    {
        Interlocked.Increment(ref requests);
        Interlocked.Add(ref tokens, spent);
    }

    public void AddCacheHits(long documents) => Interlocked.Add(ref cacheHits, documents);

    public void AddSkipped(long documents) => Interlocked.Add(ref skipped, documents);
}

/// <summary>
/// Embeds texts within the limits of a mapping: requests of `batch` texts, requests and tokens per minute, tokens per day; waits for what is temporary.
/// </summary>
internal sealed class EmbeddingClient(
    EmbeddingEndpoint endpoint, EmbedDefinition embed, EmbeddingCounters counters, TimeProvider time, Action<string, string> log)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly SpendingLimit perMinute = new(TimeSpan.FromMinutes(1), embed.RequestsPerMinute, embed.TokensPerMinute, time);
    private readonly SpendingLimit perDay = new(TimeSpan.FromDays(1), null, embed.MaxTokensPerDay, time);

    public string Model => embed.Model;

    public int? Dimensions => embed.Dimensions;

    /// <summary>A vector for each text, or the reason why that text has none. Throws <see cref="TransformException"/> for what no text can mend.</summary>
    public async Task<(float[]? Vector, string? Failure)[]> EmbedAsync(IReadOnlyList<string> texts, CancellationToken cancellation)
    {
        var results = new (float[]? Vector, string? Failure)[texts.Count];
        for (int start = 0; start < texts.Count; start += embed.Batch)
        {
            await EmbedAsync(texts, start, Math.Min(embed.Batch, texts.Count - start), results, cancellation);
        }

        return results;
    }

    /// <summary>A part that is refused for good is halved until the text that is to blame stands alone.</summary>
    private async Task EmbedAsync(
        IReadOnlyList<string> texts, int start, int count, (float[]? Vector, string? Failure)[] results, CancellationToken cancellation)
    {
        try
        {
            var vectors = await RequestAsync([.. texts.Skip(start).Take(count)], cancellation);
            for (int i = 0; i < count; i++)
            {
                results[start + i] = (vectors[i], null);
            }
        }
        catch (EmbeddingException refused) when (refused.IsOfMapping)
        {
            throw new TransformException("embed_refused", refused.Message, detail: null, isRetryable: false, refused);
        }
        catch (EmbeddingException refused) when (count == 1)
        {
            results[start] = (null, refused.Message);
        }
        catch (EmbeddingException refused) when (!refused.IsTemporary)
        {
            await EmbedAsync(texts, start, count / 2, results, cancellation);
            await EmbedAsync(texts, start + (count / 2), count - (count / 2), results, cancellation);
        }
        catch (EmbeddingException failed)
        {
            results.AsSpan(start, count).Fill((null, failed.Message));
        }
    }

    private async Task<IReadOnlyList<float[]>> RequestAsync(string[] texts, CancellationToken cancellation)
    {
        long estimate = texts.Sum(text => EmbeddingTemplate.EstimateTokens(text));
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            await WaitAsync(estimate, cancellation);
            try
            {
                var answer = await endpoint.EmbedAsync(embed.Model, embed.Dimensions, texts, cancellation);
                Spend(answer.Tokens ?? estimate);
                return answer.Vectors;
            }
            catch (EmbeddingException failed) when (failed.IsTemporary && embed.OnError == "retry")
            {
                log("warn", $"embedding waits: {failed.Message}");
                await Task.Delay(failed.RetryAfter ?? pause, time, cancellation);
            }
        }
    }

    private void Spend(long tokens)
    {
        counters.AddRequest(tokens);
        perMinute.Spend(tokens);
        perDay.Spend(tokens);
    }

    private async Task WaitAsync(long tokens, CancellationToken cancellation)
    {
        await perMinute.WaitAsync(tokens, null, cancellation);
        await perDay.WaitAsync(tokens, wait => log("warn", $"embedding pauses for {wait.TotalMinutes:0} min: max_tokens_per_day is spent"), cancellation);
    }
}

/// <summary>So many requests and tokens in each period, counted from the first.</summary>
internal sealed class SpendingLimit(TimeSpan period, long? requests, long? tokens, TimeProvider time)
{
    private readonly Lock counting = new();
    private long began = time.GetTimestamp();
    private long usedRequests;
    private long usedTokens;

    public void Spend(long spent)
    {
        lock (counting)
        {
            usedRequests++;
            usedTokens += spent;
        }
    }

    /// <summary>Until there is room for a request; one that is larger than the limit itself passes at the start of a period.</summary>
    public async Task WaitAsync(long wanted, Action<TimeSpan>? onWait, CancellationToken cancellation)
    {
        while (Missing(wanted) is { } wait)
        {
            onWait?.Invoke(wait);
            await Task.Delay(wait, time, cancellation);
        }
    }

    private TimeSpan? Missing(long wanted)
    {
        lock (counting)
        {
            var passed = time.GetElapsedTime(began);
            if (passed >= period)
            {
                began = time.GetTimestamp();
                usedRequests = 0;
                usedTokens = 0;
                return null;
            }

            bool isFull = usedRequests >= requests || (usedRequests > 0 && usedTokens + wanted > tokens);
            return isFull ? period - passed : null;
        }
    }
}
