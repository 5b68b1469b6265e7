using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.Engine.Storage;

namespace Puff.Engine.Segments;

/// <summary>
/// Writes the parts of a new segment, one pass over the source a part and a filterable attribute. Memory does not grow with rows and vectors; beside them it
/// holds offset tables and sorted ids, unmanaged, of some ten bytes a document. A segment's strings and its array elements must stay below 4 GiB and
/// 2^31 an attribute, which callers ensure by capping documents; the build fails otherwise.
/// </summary>
internal static class SegmentBuilder
{
    /// <summary>Writes objects <c>{keyBase}.{part}</c>. If it fails, parts completed before stay behind as orphans for the collector.</summary>
    /// <param name="store">Where to.</param>
    /// <param name="keyBase">Of the new segment.</param>
    /// <param name="schema">Of the namespace.</param>
    /// <param name="source">The documents.</param>
    /// <param name="cancellation">Stops between writes.</param>
    /// <param name="layout">Another order of the documents, and codes; null for neither.</param>
    /// <param name="threads">How many compute codes.</param>
    public static async ValueTask<SegmentDescriptor> BuildAsync(
        IObjectStore store, string keyBase, NamespaceSchema schema, ISegmentSource source, CancellationToken cancellation,
        SegmentLayout? layout = null, int threads = 1)
    {
        try
        {
            var build = new Build(store, keyBase, schema, layout?.Arrange(source) ?? source, cancellation);
            var merged = source as MergeSource;
            await build.WriteRowsAsync();
            await build.WriteIdsAsync();
            await build.WriteColumnsAsync();
            await build.WriteVectorsAndIndexesAsync(merged, layout, threads);
            return build.Describe();
        }
        catch (CorruptDataException damage)
        {
            throw PuffException.Corrupt($"a row that segment {keyBase} is built from is damaged: {damage.Message}", damage);
        }
    }

    /// <summary>Adds one attribute's value of a document to its column, if the row has one.</summary>
    public static void AddToColumn(ColumnEncoder column, int document, ReadOnlySpan<byte> row, int attribute)
    {
        foreach (var entry in RowFormat.Enumerate(row))
        {
            if (entry.Number == attribute)
            {
                column.Add(document, entry.Payload);
            }

            if (entry.Number >= attribute)
            {
                return;
            }
        }
    }

    /// <summary>Adds one attribute's value of a document to its index, if the row has one.</summary>
    public static void AddToIndex(AttributeIndexEncoder index, int document, ReadOnlySpan<byte> row, int attribute)
    {
        foreach (var entry in RowFormat.Enumerate(row))
        {
            if (entry.Number == attribute)
            {
                index.Add(document, entry.Payload);
            }

            if (entry.Number >= attribute)
            {
                return;
            }
        }
    }

    /// <summary>Adds one attribute's value of a document to its inverted index, if the row has one.</summary>
    /// <param name="sparse">The index.</param>
    /// <param name="document">The document's number.</param>
    /// <param name="row">Its row.</param>
    /// <param name="attribute">The attribute's number.</param>
    /// <param name="counts">True in the pass that counts.</param>
    public static void AddToSparse(SparseEncoder sparse, int document, ReadOnlySpan<byte> row, int attribute, bool counts)
    {
        foreach (var entry in RowFormat.Enumerate(row))
        {
            if (entry.Number == attribute && counts)
            {
                sparse.Count(entry.Payload);
            }
            else if (entry.Number == attribute)
            {
                sparse.Add(document, entry.Payload);
            }

            if (entry.Number >= attribute)
            {
                return;
            }
        }
    }

    private sealed class Build(IObjectStore store, string keyBase, NamespaceSchema schema, ISegmentSource source, CancellationToken cancellation)
    {
        private const int CancellationStride = 4_096;

        // By kind: parts that are written at the same time may end in any order.
        private readonly SegmentPart?[] parts = new SegmentPart?[(int)PartKind.Attributes + 1];
        private readonly List<SegmentTree> trees = [];
        private long logicalBytes;

        public SegmentDescriptor Describe() =>
            new() { KeyBase = keyBase, Documents = source.Count, LogicalBytes = logicalBytes, Parts = [.. parts.OfType<SegmentPart>()], Trees = trees };

        public async ValueTask WriteRowsAsync()
        {
            await using var part = await BeginAsync(PartKind.Rows);
            using var rows = new RowsPartEncoder(part.Encoder);
            for (int document = 0; document < source.Count; document++)
            {
                var row = source.GetRow(document);
                rows.Add(row);
                logicalBytes += LogicalRowBytes.OfRow(schema, row);
                if (part.Encoder.ShouldDrain)
                {
                    await part.DrainAsync(cancellation);
                }
            }

            rows.Finish();
            await EndAsync(part, PartKind.Rows);
        }

        public async ValueTask WriteIdsAsync()
        {
            await using var part = await BeginAsync(PartKind.Ids);
            var kind = source.Count > 0 ? source.GetId(0).Kind : schema.IdKind ?? IdKind.UInt;
            using var ids = new IdsPartEncoder(part.Encoder, kind, source.Count);
            for (int document = 0; document < source.Count; document++)
            {
                var id = source.GetId(document);
                ids.Add(id);
                logicalBytes += LogicalBytes.Of(id);
                if (part.Encoder.ShouldDrain)
                {
                    await part.DrainAsync(cancellation);
                }
            }

            ids.Finish();
            await EndAsync(part, PartKind.Ids);
        }

        public async ValueTask WriteColumnsAsync()
        {
            await using var part = await BeginAsync(PartKind.Columns);
            foreach (var attribute in schema.Attributes.Where(a => a.HasColumn))
            {
                using var column = new ColumnEncoder(part.Encoder, attribute, source.Count);
                for (int document = 0; document < source.Count; document++)
                {
                    AddToColumn(column, document, source.GetRow(document), attribute.Id);
                    if (part.Encoder.ShouldDrain)
                    {
                        await part.DrainAsync(cancellation);
                    }
                }

                column.Finish();
            }

            await EndAsync(part, PartKind.Columns);
        }

        /// <summary>
        /// Writing vectors mostly waits for the store, computing indexes for processors, so they go on at the same time. Sources may be read by several
        /// threads.
        /// </summary>
        public async ValueTask WriteVectorsAndIndexesAsync(MergeSource? merged, SegmentLayout? layout, int threads)
        {
            var vectors = schema.DenseVectors.Any() ? WriteVectorsAsync() : Task.CompletedTask;
            var indexes = WriteIndexesAsync(merged, layout, threads);
            await Task.WhenAll(vectors, indexes);
        }

        private async Task WriteIndexesAsync(MergeSource? merged, SegmentLayout? layout, int threads)
        {
            if (schema.Attributes.Any(a => a.HasColumn))
            {
                await WriteAttributesAsync();
            }

            if (schema.Attributes.Any(a => a.SparseKnn))
            {
                await WriteSparseAsync();
            }

            if (schema.Attributes.Any(a => a.FullText is not null))
            {
                await WriteTextAsync(merged, layout);
            }

            if (layout is not null && layout.Attributes.Count + layout.LateInteraction.Count > 0)
            {
                await WriteCodesAsync(layout, threads);
            }
        }

        private async Task WriteAttributesAsync()
        {
            await using var part = await BeginAsync(PartKind.Attributes);
            foreach (var attribute in schema.Attributes.Where(a => a.HasColumn))
            {
                using var index = new AttributeIndexEncoder(part.Encoder, attribute, source.Count);
                for (int document = 0; document < source.Count; document++)
                {
                    AddToIndex(index, document, source.GetRow(document), attribute.Id);
                    if (document % CancellationStride == 0)
                    {
                        cancellation.ThrowIfCancellationRequested();
                    }
                }

                index.Finish();
                await part.DrainAsync(cancellation);
            }

            await EndAsync(part, PartKind.Attributes);
        }

        private async Task WriteVectorsAsync()
        {
            await using var part = await BeginAsync(PartKind.Vectors);
            foreach (var attribute in schema.DenseVectors)
            {
                using var vectors = new VectorsEncoder(part.Encoder, attribute);
                for (int document = 0; document < source.Count; document++)
                {
                    AddVector(vectors, document, attribute);
                    if (part.Encoder.ShouldDrain)
                    {
                        await part.DrainAsync(cancellation);
                    }
                }

                vectors.Finish();
            }

            await EndAsync(part, PartKind.Vectors);
        }

        private async ValueTask WriteSparseAsync()
        {
            await using var part = await BeginAsync(PartKind.Sparse);
            foreach (var attribute in schema.Attributes.Where(a => a.SparseKnn))
            {
                using var sparse = new SparseEncoder(part.Encoder, attribute);
                AddSparse(sparse, attribute.Id, counts: true);
                while (sparse.BeginPass())
                {
                    AddSparse(sparse, attribute.Id, counts: false);
                    while (sparse.EncodeMore())
                    {
                        await part.DrainAsync(cancellation);
                    }
                }

                sparse.Finish();
            }

            await EndAsync(part, PartKind.Sparse);
        }

        private void AddSparse(SparseEncoder sparse, int attribute, bool counts)
        {
            for (int document = 0; document < source.Count; document++)
            {
                AddToSparse(sparse, document, source.GetRow(document), attribute, counts);
                if (document % CancellationStride == 0)
                {
                    cancellation.ThrowIfCancellationRequested();
                }
            }
        }

        private async ValueTask WriteTextAsync(MergeSource? merged, SegmentLayout? layout)
        {
            await using var part = await BeginAsync(PartKind.Text);
            foreach (var attribute in schema.Attributes.Where(a => a.FullText is not null))
            {
                using var text = TextWriter.Create(part.Encoder, attribute, source, merged, layout, cancellation);
                while (text.WriteMore())
                {
                    await part.DrainAsync(cancellation);
                }

                text.Finish();
            }

            await EndAsync(part, PartKind.Text);
        }

        private async ValueTask WriteCodesAsync(SegmentLayout layout, int threads)
        {
            await using var part = await BeginAsync(PartKind.Codes);
            foreach (var coded in layout.Attributes)
            {
                using var codes = new CodesWriter(part.Encoder, coded, threads, cancellation);
                while (codes.WriteBatch())
                {
                    await part.DrainAsync(cancellation);
                }

                codes.Finish();
                trees.Add(new SegmentTree(coded.Grouping.Vectors.Attribute.Id, coded.Grouping.TreeId));
            }

            foreach (var vectors in layout.LateInteraction)
            {
                using var codes = new LateInteractionWriter(part.Encoder, vectors, source, threads, cancellation);
                while (codes.WriteBatch())
                {
                    await part.DrainAsync(cancellation);
                }

                codes.Finish();
                if (vectors.Clusters is { } clusters)
                {
                    TokenClustersWriter.Write(part.Encoder, vectors, source, clusters);
                    await part.DrainAsync(cancellation);
                }
            }

            await EndAsync(part, PartKind.Codes);
        }

        private unsafe void AddVector(VectorsEncoder vectors, int document, AttributeDefinition attribute)
        {
            byte* vector = source.GetVector(document, attribute);
            if (vector != null)
            {
                vectors.Add(document, new ReadOnlySpan<byte>(vector, attribute.Type.VectorBytes));
                logicalBytes += attribute.Type.VectorBytes;
            }
        }

        private ValueTask<PartStream> BeginAsync(PartKind kind) =>
            PartStream.CreateAsync(store, $"{keyBase}.{PartFormat.NameOf(kind)}", kind, cancellation);

        private async ValueTask EndAsync(PartStream part, PartKind kind) =>
            parts[(int)kind] = new SegmentPart(PartFormat.NameOf(kind), await part.CompleteAsync(source.Count, cancellation));
    }
}
