import java.nio.file.Files;
import java.nio.file.Path;
import org.cqframework.cql.cql2elm.CqlCompilerException;
import org.cqframework.cql.cql2elm.CqlCompilerOptions;
import org.cqframework.cql.cql2elm.CqlTranslator;
import org.cqframework.cql.cql2elm.LibraryManager;
import org.cqframework.cql.cql2elm.ModelManager;

/** Reads the CQL file named first and writes its ELM, as JSON, to the file named second. */
public class Compile {
  public static void main(String[] files) throws Exception {
    CqlCompilerOptions options = new CqlCompilerOptions(
        CqlCompilerOptions.Options.DisableListDemotion,
        CqlCompilerOptions.Options.DisableListPromotion);
    options.setSignatureLevel(org.cqframework.cql.cql2elm.LibraryBuilder.SignatureLevel.Overloads);
    LibraryManager manager = new LibraryManager(new ModelManager(), options);
    CqlTranslator translator = CqlTranslator.fromText(Files.readString(Path.of(files[0])), manager);
    for (CqlCompilerException problem : translator.getExceptions()) {
      String where = problem.getLocator() == null ? "" : problem.getLocator().toLocator();
      System.err.println(problem.getSeverity() + " " + where + ": " + problem.getMessage());
    }
    if (!translator.getExceptions().isEmpty()) {
      System.exit(1);
    }
    Files.writeString(Path.of(files[1]), translator.toJson());
  }
}
