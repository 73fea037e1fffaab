// Computes the Measure's populations with fqm-execution. Standard input: one JSON object per line, { start, end, bundle }.
// Standard output: for each, one line with its populations by group, under the default policy.
import { readFileSync } from "node:fs";
import fqm from "fqm-execution";

const shipped = ["Measure-rpm-month", "Library-rpm-month"].map((name) =>
  JSON.parse(readFileSync(new URL(`../../profiles/${name}.json`, import.meta.url))),
);
const measure = { resourceType: "Bundle", type: "collection", entry: shipped.map((resource) => ({ resource })) };
const months = readFileSync(0, "utf8").trim().split("\n").map((line) => JSON.parse(line));

for (const { start, end, bundle } of months) {
  const { results } = await fqm.Calculator.calculate(measure, [bundle], {
    measurementPeriodStart: new Date(start).toISOString(),
    measurementPeriodEnd: new Date(Date.parse(end) - 1).toISOString(),
    calculateHTML: false,
    calculateClauseCoverage: false,
    verboseCalculationResults: false,
    trustMetaProfile: false,
  });
  const groups = results[0].detailedResults.map((group) => [
    group.groupId,
    Object.fromEntries(group.populationResults.map((found) => [found.populationType, found.result])),
  ]);
  process.stdout.write(`${JSON.stringify(Object.fromEntries(groups))}\n`);
}
