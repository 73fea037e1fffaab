import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.SingleValidationMessage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.UnknownCodeSystemWarningValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.instance.model.api.IBaseResource;

/**
 * Validates the JSON files in the folders named second and later against R4 and the profiles in the folder named first.
 * Prints a line for each message: file, severity, place and message, parted by tabs.
 */
public class Validate {
  public static void main(String[] folders) throws Exception {
    FhirContext context = FhirContext.forR4();
    FhirValidator validator = context.newValidator();
    validator.registerValidatorModule(instanceValidator(context, Path.of(folders[0])));
    for (String folder : List.of(folders).subList(1, folders.length)) {
      for (Path file : jsonFiles(Path.of(folder))) {
        for (SingleValidationMessage message : validator.validateWithResult(Files.readString(file)).getMessages()) {
          String text = message.getMessage().replaceAll("\\s+", " ");
          System.out.printf("%s\t%s\t%s\t%s%n", file, message.getSeverity(), message.getLocationString(), text);
        }
        System.out.printf("%s\tREAD%n", file);
      }
    }
  }

  private static FhirInstanceValidator instanceValidator(FhirContext context, Path profiles) throws Exception {
    PrePopulatedValidationSupport ours = new PrePopulatedValidationSupport(context);
    for (Path file : jsonFiles(profiles)) {
      IBaseResource resource = context.newJsonParser().parseResource(Files.readString(file));
      switch (context.getResourceType(resource)) {
        case "StructureDefinition" -> ours.addStructureDefinition(resource);
        case "CodeSystem" -> ours.addCodeSystem(resource);
        case "ValueSet" -> ours.addValueSet(resource);
        default -> { }
      }
    }
    UnknownCodeSystemWarningValidationSupport unknown = new UnknownCodeSystemWarningValidationSupport(context);
    unknown.setNonExistentCodeSystemSeverity(IValidationSupport.IssueSeverity.WARNING);
    FhirInstanceValidator module = new FhirInstanceValidator(new ValidationSupportChain(
        new DefaultProfileValidationSupport(context),
        ours,
        new CommonCodeSystemsTerminologyService(context),
        new InMemoryTerminologyServerValidationSupport(context),
        new SnapshotGeneratingValidationSupport(context),
        unknown));
    module.setErrorForUnknownProfiles(true);
    return module;
  }

  private static List<Path> jsonFiles(Path folder) throws Exception {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(".json")).sorted().toList();
    }
  }
}
