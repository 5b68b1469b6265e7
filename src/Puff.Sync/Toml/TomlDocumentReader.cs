namespace Puff.Sync.Toml;

/// <summary>Headers, keys, arrays and inline tables: the structure, and the rules of who may add to which table.</summary>
internal sealed class TomlDocumentReader(TomlCursor cursor)
{
    // Deeper nesting is no document anybody wrote, and would end in a stack overflow.
    private const int MaxDepth = 128;

    private readonly TomlTable root = new(TomlTableOrigin.Header, 1);
    private int depth;

    public TomlTable Read()
    {
        TomlTable table = root;
        for (cursor.SkipBlank(); !cursor.IsAtEnd; cursor.SkipBlank())
        {
            if (cursor.Current == '[')
            {
                table = cursor.Peek(1) == '[' ? ReadArrayHeader() : ReadHeader();
            }
            else
            {
                ReadEntry(table);
            }

            cursor.EndLine();
        }

        return root;
    }

    private TomlTable ReadHeader()
    {
        cursor.At++;
        List<string> path = ReadKey();
        cursor.Expect(']');
        TomlTable above = Descend(path);
        switch (above.Find(path[^1]))
        {
            case null:
                var table = new TomlTable(TomlTableOrigin.Header, cursor.Line);
                above.TryAdd(path[^1], table);
                return table;
            case TomlTable { Origin: TomlTableOrigin.AboveHeader } known:
                known.Origin = TomlTableOrigin.Header;
                return known;
            default:
                throw cursor.Wrong($"'{string.Join('.', path)}' appears twice");
        }
    }

    private TomlTable ReadArrayHeader()
    {
        cursor.At += 2;
        List<string> path = ReadKey();
        cursor.Expect(']');
        if (cursor.Current != ']')
        {
            throw cursor.Wrong("']]' was expected");
        }

        cursor.At++;
        TomlTable above = Descend(path);
        var table = new TomlTable(TomlTableOrigin.Header, cursor.Line);
        switch (above.Find(path[^1]))
        {
            case null:
                var array = new TomlArray(isOfTables: true, cursor.Line);
                array.Add(table);
                above.TryAdd(path[^1], array);
                return table;
            case TomlArray { IsOfTables: true } known:
                known.Add(table);
                return table;
            default:
                throw cursor.Wrong($"'{string.Join('.', path)}' is not an array of tables");
        }
    }

    /// <summary>The table that holds a header's last part; parts that do not exist are made.</summary>
    private TomlTable Descend(List<string> path)
    {
        TomlTable table = root;
        for (int part = 0; part < path.Count - 1; part++)
        {
            TomlValue? next = table.Find(path[part]);
            if (next is null)
            {
                next = new TomlTable(TomlTableOrigin.AboveHeader, cursor.Line);
                table.TryAdd(path[part], next);
            }

            table = next switch
            {
                TomlTable { Origin: not TomlTableOrigin.Inline } child => child,
                TomlArray { IsOfTables: true } array => (TomlTable)array.Items[^1],
                TomlTable => throw cursor.Wrong($"'{string.Join('.', path.Take(part + 1))}' was written in braces and is complete"),
                _ => throw cursor.Wrong($"'{string.Join('.', path.Take(part + 1))}' is a value already, not a table"),
            };
        }

        return table;
    }

    private void ReadEntry(TomlTable table)
    {
        int line = cursor.Line;
        List<string> path = ReadKey();
        cursor.Expect('=');
        cursor.SkipSpaces();
        for (int part = 0; part < path.Count - 1; part++)
        {
            TomlValue? next = table.Find(path[part]);
            if (next is null)
            {
                next = new TomlTable(TomlTableOrigin.DottedKey, line);
                table.TryAdd(path[part], next);
            }

            table = next is TomlTable { Origin: TomlTableOrigin.DottedKey } child
                ? child
                : throw cursor.Wrong($"'{string.Join('.', path.Take(part + 1))}' was defined elsewhere");
        }

        if (table.Find(path[^1]) is not null)
        {
            throw cursor.Wrong($"key '{string.Join('.', path)}' appears twice");
        }

        table.TryAdd(path[^1], ReadValue(line));
    }

    private List<string> ReadKey()
    {
        var path = new List<string>();
        while (true)
        {
            cursor.SkipSpaces();
            path.Add(cursor.Current is '"' or '\'' ? TomlStrings.ReadOneLine(cursor) : ReadBareKey());
            cursor.SkipSpaces();
            if (cursor.Current != '.')
            {
                return path;
            }

            cursor.At++;
            if (path.Count > MaxDepth)
            {
                throw cursor.Wrong($"a key has at most {MaxDepth} parts");
            }
        }
    }

    private string ReadBareKey()
    {
        int start = cursor.At;
        while (char.IsAsciiLetterOrDigit(cursor.Current) || cursor.Current is '_' or '-')
        {
            cursor.At++;
        }

        return cursor.At > start ? cursor.Text[start..cursor.At] : throw cursor.Wrong("a key was expected");
    }

    private TomlValue ReadValue(int line)
    {
        if (cursor.Current is '[' or '{')
        {
            if (++depth > MaxDepth)
            {
                throw cursor.Wrong($"nested more than {MaxDepth} deep");
            }

            TomlValue nested = cursor.Current == '[' ? ReadArray(line) : ReadInlineTable(line);
            depth--;
            return nested;
        }

        return cursor.Current is '"' or '\'' ? new TomlScalar(TomlKind.String, TomlStrings.Read(cursor), line) : TomlScalars.Read(cursor, line);
    }

    private TomlArray ReadArray(int line)
    {
        var array = new TomlArray(isOfTables: false, line);
        cursor.At++;
        for (cursor.SkipBlank(); cursor.Current != ']'; cursor.SkipBlank())
        {
            array.Add(ReadValue(cursor.Line));
            cursor.SkipBlank();
            if (cursor.Current == ',')
            {
                cursor.At++;
            }
            else if (cursor.Current != ']')
            {
                throw cursor.Wrong("',' or ']' was expected in the array");
            }
        }

        cursor.At++;
        return array;
    }

    private TomlTable ReadInlineTable(int line)
    {
        var table = new TomlTable(TomlTableOrigin.Inline, line);
        cursor.At++;
        cursor.SkipSpaces();
        bool isEmpty = cursor.Current == '}';
        while (!isEmpty)
        {
            ReadEntry(table);
            cursor.SkipSpaces();
            if (cursor.Current == '}')
            {
                break;
            }

            if (cursor.Current != ',')
            {
                throw cursor.Wrong("',' or '}' was expected; an inline table stands on one line");
            }

            cursor.At++;
        }

        cursor.At++;
        Complete(table);
        return table;
    }

    private static void Complete(TomlTable table)
    {
        table.Origin = TomlTableOrigin.Inline;
        foreach (TomlTable child in table.Entries.Select(entry => entry.Value).OfType<TomlTable>())
        {
            Complete(child);
        }
    }
}
