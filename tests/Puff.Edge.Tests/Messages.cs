using System.Text;
using Puff.Edge.Services;

namespace Puff.Edge.Tests;

/// <summary>Messages as bytes, by hand: what the services answer is compared with bytes, not with what the same code would write.</summary>
internal static class Messages
{
    public static byte[] Key(string key) => Field(1, Encoding.UTF8.GetBytes(key));

    public static byte[] Text(string text) => text.Length == 0 ? [] : Key(text);

    public static byte[] Set(string key, string value) => [.. Key(key), .. Field(2, Encoding.UTF8.GetBytes(value))];

    public static byte[] Field(int number, byte[] bytes)
    {
        byte[] head = new byte[MessageWriter.MaxField];
        return [.. head[..MessageWriter.Head(head, number, bytes.Length)], .. bytes];
    }

    public static byte[] Number(int number, ulong value)
    {
        byte[] head = new byte[MessageWriter.MaxField];
        return head[..MessageWriter.Number(head, number, value)];
    }
}
