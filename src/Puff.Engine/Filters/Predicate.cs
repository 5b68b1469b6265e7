using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>One document's attributes, for plain evaluation.</summary>
internal interface IAttributeReader
{
    /// <summary>The value at the column's kind, or Null. The definition with number 0 is the document id.</summary>
    Value Get(AttributeDefinition attribute);
}

/// <summary>The columns of a set of documents 0 .. Count-1.</summary>
internal interface IColumnSource
{
    int Count { get; }

    /// <summary>
    /// The column of an attribute that a filter may name (filterable, or with a regex, glob or fuzzy index) or of the id, number 0; null when no document
    /// of the set has a value. The column of a `[]unknown` attribute has that kind and no elements, also when the attribute has got its type since.
    /// </summary>
    Column? GetColumn(AttributeDefinition attribute);

    /// <summary>The index over that column; null when there is none and the column has to be scanned.</summary>
    AttributeIndex? GetIndex(AttributeDefinition attribute) => null;
}

/// <summary>A filter bound to a schema: operands have their column's kind, requirements were checked. Immutable, used from many threads at once.</summary>
internal abstract class Predicate
{
    /// <summary>The plain evaluator: does this document match?</summary>
    /// <param name="document">The stored document.</param>
    /// <param name="incoming">The row a conditional write brings; null outside writes and for deletes, where every reference to it is null.</param>
    public abstract bool Matches(IAttributeReader document, IAttributeReader? incoming);

    /// <summary>
    /// The column evaluator: overwrites <paramref name="result"/> with the matches among all documents of <paramref name="columns"/>.
    /// Not for predicates with references.
    /// </summary>
    /// <param name="columns">Of a set.</param>
    /// <param name="result">A bit for each document of the set.</param>
    /// <param name="cancellation">Looked at wherever values are tested one by one.</param>
    public abstract void Evaluate(IColumnSource columns, BitSet result, CancellationToken cancellation);

    /// <summary>Keeps of <paramref name="result"/> what matches: as <see cref="Evaluate"/>, but free to look only at the documents in it.</summary>
    public virtual void Refine(IColumnSource columns, BitSet result, CancellationToken cancellation)
    {
        var matches = new BitSet(result.Count);
        Evaluate(columns, matches, cancellation);
        result.And(matches);
    }

    /// <summary>Adds the matches to <paramref name="result"/> if they are few and known from an index; false when it did nothing.</summary>
    public virtual bool TryAddFew(IColumnSource columns, BitSet result, CancellationToken cancellation) => false;

    /// <summary>Adds to a batch what <see cref="Evaluate"/> reads besides the columns and their indexes.</summary>
    public virtual void Plan(IColumnSource columns, IReadBatch batch)
    {
    }

    /// <summary>What evaluation costs, roughly; a conjunction begins with the cheapest.</summary>
    public abstract FilterCost CostOf(IColumnSource columns);

    /// <summary>Says for each comparison how it is evaluated, for a reader.</summary>
    public abstract void Explain(IColumnSource columns, FilterPlan plan, CancellationToken cancellation);
}
