using Puff.Engine.Schema;
using Puff.Sync.Migrations;

namespace Puff.Sync.Documents;

/// <summary>Checks of what user code returns, so that one bad document is a row's error and not a refused batch.</summary>
internal static class TransformedDocument
{
    public static void CheckId(IdForm form, in Value id)
    {
        bool fits = form.Type switch
        {
            IdType.UInt => id.Kind == ValueKind.UInt || (id.Kind == ValueKind.Int && id.AsInt >= 0),
            IdType.Uuid => id.Kind == ValueKind.Uuid,
            _ => id.Kind == ValueKind.String,
        };
        if (!fits)
        {
            throw new RowException("id_type", $"an id of the transform is no {form.Type.ToString().ToLowerInvariant()}, as those of the mapping are");
        }

        if (id.Kind == ValueKind.String && id.AsBytes.Length > IdForm.MaxBytes)
        {
            throw new RowException("id_too_long", $"id has {id.AsBytes.Length} bytes, the limit is {IdForm.MaxBytes}", "shorten it in the transform");
        }
    }

    public static void Check(in KeyValuePair<string, Value> attribute)
    {
        int bytes = System.Text.Encoding.UTF8.GetByteCount(attribute.Key);
        if (bytes is 0 or > 128 || attribute.Key[0] == '$' || attribute.Key == "id")
        {
            throw new RowException("attribute_name", $"a document of the transform has an attribute \"{attribute.Key}\": names have 1 to 128 bytes, "
                + "do not begin with $ and are not id");
        }

        bool isFinite = attribute.Value.Kind switch
        {
            ValueKind.Float => double.IsFinite(attribute.Value.AsFloat),
            ValueKind.FloatArray => Array.TrueForAll(attribute.Value.AsFloats, double.IsFinite),
            ValueKind.VectorF32 => Array.TrueForAll(attribute.Value.AsVectorF32, float.IsFinite),
            _ => true,
        };
        if (!isFinite)
        {
            throw new RowException("not_finite", $"attribute \"{attribute.Key}\" of the transform is infinite or NaN");
        }

        if (attribute.Value.Kind is ValueKind.String or ValueKind.Bytes && attribute.Value.AsBytes.Length > TextLimit.MaxBytes)
        {
            throw new RowException(
                "value_too_long", $"attribute \"{attribute.Key}\" has {attribute.Value.AsBytes.Length} bytes, the limit is {TextLimit.MaxBytes}");
        }
    }
}
