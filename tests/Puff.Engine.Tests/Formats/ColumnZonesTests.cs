using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.TestKit.Columns;
using Xunit;

namespace Puff.Engine.Tests.Formats;

public sealed class ColumnZonesTests
{
    private const int Documents = 10_000;
    private const int Zone = 1 << ColumnZones.Shift;

    [Theory]
    [InlineData(TypeKind.Int)]
    [InlineData(TypeKind.UInt)]
    [InlineData(TypeKind.Float)]
    public void Ends_are_those_of_the_zones_met(TypeKind kind)
    {
        // Zone 0 has both signs, zone 1 no value, zone 2 only large ones.
        var attribute = new AttributeDefinition(1, "n", new AttributeType(kind)) { Filterable = true };
        using var columns = new EncodedColumns(Documents, (document, _) => document switch
        {
            10 => Number(kind, kind == TypeKind.UInt ? 3 : -3),
            20 => Number(kind, 5),
            >= 2 * Zone => Number(kind, 1_000 + document),
            _ => Value.Null,
        });
        var column = (ScalarColumn)columns.GetColumn(attribute)!;
        double least = kind == TypeKind.UInt ? 3 : -3;
        Assert.Equal((least, 5), Ends(column, 0, Zone));
        Assert.Null(column.Zones.Ends(column, Zone, 2 * Zone));
        Assert.Equal((1_000 + 2 * Zone, 999 + Documents), Ends(column, 2 * Zone, Documents));
        Assert.Equal((least, 999 + Documents), Ends(column, 0, Documents));
        Assert.Same(column.Zones, column.Zones);
    }

    private static (double Least, double Greatest) Ends(ScalarColumn column, int first, int end)
    {
        var (least, greatest) = column.Zones.Ends(column, first, end)!.Value;
        return (Number(column.Kind, least), Number(column.Kind, greatest));
    }

    private static double Number(TypeKind kind, long bits) => kind == TypeKind.Float ? BitConverter.Int64BitsToDouble(bits) : bits;

    private static Value Number(TypeKind kind, int value) => kind switch
    {
        TypeKind.Float => Value.Float(value),
        TypeKind.UInt => Value.UInt((ulong)value),
        _ => Value.Int(value),
    };
}
