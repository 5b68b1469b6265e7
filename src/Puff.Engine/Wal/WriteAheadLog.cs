using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Storage;

namespace Puff.Engine.Wal;

internal enum SlotOutcome
{
    /// <summary>The slot holds our entry: the batch is committed.</summary>
    Won,

    /// <summary>The slot holds somebody else's entry.</summary>
    Lost,

    /// <summary>Nobody knows yet: our put may have happened or may still happen. Only this slot may be tried next.</summary>
    Unknown,
}

/// <summary>The log of one namespace and epoch on the store: claiming a slot, reading entries, finding the tail. Knows nothing of what entries mean.</summary>
internal sealed class WriteAheadLog(IObjectStore store, NamespaceKeys keys, ulong epoch)
{
    /// <summary>How often a put whose reply was lost is repeated before its outcome is reported as unknown.</summary>
    private const int SettlingAttempts = 5;

    public ulong Epoch { get; } = epoch;

    /// <summary>
    /// Puts an entry at its slot, if the slot is free: the success is the commit. A slot that is taken is looked into: writer and batch say whose
    /// it is. A lost reply is settled by putting the same slot again (design 3.2).
    /// </summary>
    public async ValueTask<SlotOutcome> ClaimAsync(NativeObjectMemory content, WalEntryHeader header, TimeProvider time, CancellationToken cancellation)
    {
        string key = keys.WalEntry(Epoch, header.Sequence);
        bool unsettled = false;
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                var result = await store.PutAsync(key, content.Memory, PutCondition.Absent, StorePurpose.Wal, cancellation);
                if (result.Status == PutStatus.Written)
                {
                    return SlotOutcome.Won;
                }

                // Taken, perhaps by ourselves: a put that was sent once can arrive twice (a proxy, a library that repeats). Only the holder's name decides;
                // an entry taken for somebody else's would be resolved and applied a second time.
                unsettled = true;
                return await HoldsAsync(header, cancellation) ? SlotOutcome.Won : SlotOutcome.Lost;
            }
            catch (StoreException failure) when (failure.OutcomeUnknown || unsettled)
            {
                unsettled = true;
                if (attempt + 1 >= SettlingAttempts)
                {
                    return SlotOutcome.Unknown;
                }
            }
            catch (OperationCanceledException)
            {
                return SlotOutcome.Unknown;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50 << attempt), time, CancellationToken.None);
        }
    }

    /// <summary>The entry at a slot, or null when the slot is free. The caller owns the entry's reference.</summary>
    public async ValueTask<WalEntry?> ReadAsync(long sequence, CancellationToken cancellation)
    {
        string key = keys.WalEntry(Epoch, sequence);
        var memory = await store.MapAsync(key, StorePurpose.Wal, cancellation);
        return memory is null ? null : WalEntry.Open(key, memory, Epoch, sequence);
    }

    /// <summary>The header of the entry at a slot, without its content; null when the slot is free.</summary>
    public async ValueTask<WalEntryHeader?> ReadHeaderAsync(long sequence, CancellationToken cancellation)
    {
        string key = keys.WalEntry(Epoch, sequence);
        const int prefix = WalEntryFormat.HeaderBytes + WalEntryFormat.MaxSections * WalEntryFormat.TableEntryBytes;
        var result = await store.GetAsync(key, new GetOptions(0, prefix), StorePurpose.Wal, cancellation);
        if (result.Status == GetStatus.Absent)
        {
            return null;
        }

        try
        {
            return ParseHeader(result.Content!);
        }
        catch (CorruptDataException damage)
        {
            throw PuffException.Corrupt($"WAL entry {key} is damaged: {damage.Message}", damage);
        }
        finally
        {
            result.Content!.Release();
        }
    }

    /// <summary>Sequences present after <paramref name="after"/>, ascending.</summary>
    public async ValueTask<List<long>> ListAsync(long after, CancellationToken cancellation)
    {
        var found = new List<long>();
        string? startAfter = keys.WalEntry(Epoch, after);
        do
        {
            var page = await store.ListAsync(new ListOptions(keys.WalEpochFolder(Epoch), startAfter), StorePurpose.Wal, cancellation);
            found.AddRange(page.Objects.Select(o => keys.ParseWalEntry(o.Key)).Where(e => e is not null).Select(e => e!.Value.Sequence));
            startAfter = page.Next;
        }
        while (startAfter is not null);
        return found;
    }

    private async ValueTask<bool> HoldsAsync(WalEntryHeader ours, CancellationToken cancellation)
    {
        var holder = await ReadHeaderAsync(ours.Sequence, cancellation)
            ?? throw new StoreException($"WAL slot {ours.Sequence} of \"{keys.Name}\" is taken and yet absent", transient: true, outcomeUnknown: true);
        return holder.WriterId == ours.WriterId && holder.BatchId == ours.BatchId;
    }

    private static unsafe WalEntryHeader ParseHeader(ObjectMemory memory) =>
        WalEntryFormat.ReadHeader(new MemoryRegion(memory.Pointer, memory.Length)).Header;
}
