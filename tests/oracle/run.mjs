// Judges months with the CQL library. Standard input: one JSON object per line, { start, end, policies, bundle }.
// Standard output: for each, one line with the library's "Assessment" under each policy.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import cql from "cql-execution";
import fhir from "cql-exec-fhir";

const packed = JSON.parse(readFileSync(new URL("../../profiles/Library-rpm-month.json", import.meta.url)));
const elm = packed.content.find((part) => part.contentType === "application/elm+json").data;
const source = fhir.PatientSource.FHIRv401();
const library = new cql.Library(JSON.parse(Buffer.from(elm, "base64").toString("utf8")));

for await (const line of createInterface({ input: process.stdin })) {
  const { start, end, policies, bundle } = JSON.parse(line);
  const period = new cql.Interval(cql.DateTime.parse(start), cql.DateTime.parse(end), true, false);
  const judged = {};
  for (const policy of policies) {
    source.reset();
    source.loadBundles([bundle]);
    const parameters = { "Measurement Period": period, Policy: policy };
    const executor = new cql.Executor(library, undefined, parameters);
    const results = await executor.exec_expression("Assessment", source);
    judged[policy] = Object.values(results.patientResults)[0].Assessment;
  }
  process.stdout.write(`${JSON.stringify(judged)}\n`);
}
