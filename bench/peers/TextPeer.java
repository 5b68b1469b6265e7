import java.io.BufferedReader;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.apache.lucene.analysis.util.CharArraySet;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.FieldType;
import org.apache.lucene.document.Field;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.FieldInfo.IndexOptions;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.similarities.BM25Similarity;
import org.apache.lucene.store.MMapDirectory;
import org.apache.lucene.util.Version;

/** Lucene on local files, one segment, BM25, no stop words: the same commands and output as text-peer.mjs. */
public final class TextPeer {
  private static final String BODY = "body";

  public static void main(String[] arguments) throws Exception {
    Map<String, String> options = new HashMap<>();
    for (int i = 1; i + 1 < arguments.length; i += 2) {
      options.put(arguments[i].substring(2), arguments[i + 1]);
    }
    if (arguments[0].equals("build")) {
      build(options);
    } else {
      query(options);
    }
  }

  private static void build(Map<String, String> options) throws Exception {
    long start = System.nanoTime();
    FieldType type = new FieldType();
    type.setIndexed(true);
    type.setTokenized(true);
    type.setIndexOptions(IndexOptions.DOCS_AND_FREQS);
    type.freeze();
    IndexWriterConfig config = new IndexWriterConfig(Version.LATEST, analyzer());
    config.setSimilarity(new BM25Similarity());
    config.setRAMBufferSizeMB(256);
    try (IndexWriter writer = new IndexWriter(new MMapDirectory(new File(options.get("work"))), config);
        BufferedReader lines = Files.newBufferedReader(Path.of(options.get("passages")), StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        Document document = new Document();
        document.add(new Field(BODY, line, type));
        writer.addDocument(document);
      }
      writer.forceMerge(1);
    }
    System.out.printf("built %.2f Lucene %s%n", (System.nanoTime() - start) / 1e9, Version.LATEST);
  }

  private static void query(Map<String, String> options) throws Exception {
    IndexSearcher searcher = new IndexSearcher(DirectoryReader.open(new MMapDirectory(new File(options.get("work")))));
    searcher.setSimilarity(new BM25Similarity());
    Map<String, List<String>> sets = new LinkedHashMap<>();
    for (String line : Files.readAllLines(Path.of(options.get("queries")))) {
      String[] parts = line.split("\t");
      sets.computeIfAbsent(parts[0], s -> new ArrayList<>()).add(parts[1]);
    }
    double seconds = Double.parseDouble(options.get("seconds"));
    for (Map.Entry<String, List<String>> set : sets.entrySet()) {
      for (int round = 0; round < 3; round++) {
        run(searcher, set.getValue(), seconds / 3);
      }
      for (double time : run(searcher, set.getValue(), seconds)) {
        System.out.printf("query %s %.1f%n", set.getKey(), time);
      }
    }
  }

  private static List<Double> run(IndexSearcher searcher, List<String> queries, double seconds) throws Exception {
    List<Double> times = new ArrayList<>();
    long start = System.nanoTime();
    for (String query : queries) {
      if (System.nanoTime() - start > seconds * 1e9) {
        break;
      }
      long before = System.nanoTime();
      searcher.search(parse(query), 10);
      times.add((System.nanoTime() - before) / 1e3);
    }
    return times;
  }

  private static BooleanQuery parse(String words) throws Exception {
    BooleanQuery query = new BooleanQuery();
    try (TokenStream tokens = analyzer().tokenStream(BODY, words)) {
      CharTermAttribute term = tokens.addAttribute(CharTermAttribute.class);
      tokens.reset();
      while (tokens.incrementToken()) {
        query.add(new TermQuery(new Term(BODY, term.toString())), Occur.SHOULD);
      }
      tokens.end();
    }
    return query;
  }

  private static Analyzer analyzer() {
    return new StandardAnalyzer(CharArraySet.EMPTY_SET);
  }
}
