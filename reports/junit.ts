/**
 * A result as JUnit XML, as GitHub's actions, GitLab and Jenkins read it: `testsuites`, a `testsuite` an area, a `testcase` a scenario. The
 * format knows four ends, and reads these from a verdict:
 *
 * | verdict | JUnit | why |
 * | --- | --- | --- |
 * | passed | nothing | |
 * | failed | `failure` | |
 * | known to fail | `skipped`, the reason as its message, the findings in `system-out` | red would cry wolf, green would hide it |
 * | unsupported | `skipped` | |
 * | inconclusive | `error` | the gate does not pass, and the client is not to be blamed |
 * | stale entry of the baseline | `failure` in the suite `baseline` | |
 * | trouble of the harness | `error` in the suite `harness` | |
 *
 * So a file without `failure` and `error` is one of exit code 0. `classname` begins with the subject, as CI systems put files of several
 * subjects together.
 */
import type { Picture, RunResult } from "./result.ts";
import { escapeControls } from "./shown-text.ts";
import { type TestCase, testCases } from "./test-cases.ts";

type End = "failure" | "error" | "skipped";

const ends: Readonly<Record<TestCase["standing"], End | null>> = {
  passed: null,
  failed: "failure",
  known: "skipped",
  unsupported: "skipped",
  inconclusive: "error",
  stale: "failure",
  harness: "error",
};

/** Ends with a line end. */
export function resultJunit(result: RunResult, pictures?: ReadonlyMap<Picture, string>): string {
  const { subject, target, seed, startedAt, environment, durationMs } = result;
  const cases = testCases(result, pictures);
  const properties = Object.entries({ subject, target, seed: String(seed), ...environment });
  const suites = [...Map.groupBy(cases, ({ group }) => group)].map(([group, of]) => [
    `  <testsuite${attributes({ name: group, ...counts(of), time: seconds(sum(of)), timestamp: startedAt.slice(0, 19) })}>`,
    "    <properties>",
    ...properties.map(([name, value]) => `      <property${attributes({ name, value })}/>`),
    "    </properties>",
    ...of.flatMap((one) => caseLines(one, `${subject}.${group}`)),
    "  </testsuite>",
  ]);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: `${subject} against ${target}`, ...counts(cases), time: seconds(durationMs) })}>`,
    ...suites.flat(),
    "</testsuites>",
    "",
  ].join("\n");
}

function caseLines({ name, standing, message, lines, durationMs }: TestCase, classname: string): string[] {
  const open = `    <testcase${attributes({ name, classname, time: seconds(durationMs) })}`;
  const end = ends[standing];
  if (end === null) return [`${open}/>`];
  const about = attributes({ message: message ?? "", ...(end !== "skipped" && { type: standing }) });
  const told = lines.map(escaped).join("\n");
  return [
    `${open}>`,
    // GitLab shows no text of what is skipped, and readers of the schema allow none.
    ...(end === "skipped"
      ? [`      <skipped${about}/>`, ...(told ? [`      <system-out>${told}</system-out>`] : [])]
      : [`      <${end}${about}>${told}</${end}>`]),
    "    </testcase>",
  ];
}

function counts(cases: readonly TestCase[]) {
  const count = (end: End) => String(cases.filter(({ standing }) => ends[standing] === end).length);
  return {
    tests: String(cases.length),
    failures: count("failure"),
    errors: count("error"),
    skipped: count("skipped"),
  };
}

const sum = (cases: readonly TestCase[]) => cases.reduce((total, { durationMs }) => total + durationMs, 0);
const seconds = (ms: number) => (ms / 1000).toFixed(3);

function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(value)}"`)
    .join("");
}

/** Control characters and what is no character are no XML, not even as references. */
function escaped(text: string): string {
  return escapeControls(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
