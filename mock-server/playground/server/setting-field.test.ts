import { describe, expect, test } from "vitest";
import { describeCatalogue } from "../../control/catalogue.ts";
import { faults } from "../../faults/index.ts";
import { type SettingSchema, settingField, settingOf } from "./setting-field.ts";

const whole = { type: "integer", minimum: 1, maximum: 100 } as const;

describe("a setting's field", () => {
  test.each([
    [
      "delayMs",
      { type: "number", minimum: 0, maximum: 600_000 },
      { label: "delay", unit: "ms", range: "0 to 600000", isWhole: false },
    ],
    ["queueMsMax", { type: "number" }, { label: "queue max", unit: "ms", range: "" }],
    ["gapPackets", whole, { label: "gap", unit: "packets", isWhole: true, min: 1, max: 100 }],
    ["kilobitsPerSecond", whole, { label: "kilobits per second", unit: "kbit/s" }],
    ["ratio", { type: "number", exclusiveMinimum: 0, maximum: 1 }, { unit: "", range: "above 0, up to 1" }],
    ["keepOneOf", whole, { label: "keep one of", unit: "" }],
    ["frames", whole, { label: "frames", unit: "frames" }],
    [
      "how",
      { type: "string", enum: ["text", "upper"], default: "text" },
      { takes: "choice", choices: ["text", "upper"] },
    ],
    [
      "status",
      { anyOf: [{ const: 401 }, { const: 403 }], default: 401 },
      { takes: "choice", choices: [401, 403] },
    ],
    [
      "timeoutSeconds",
      { anyOf: [whole, { type: "null" }], default: null },
      { takes: "number", label: "timeout", default: undefined, max: 100 },
    ],
    ["closes", { type: "boolean", default: true }, { takes: "yes-or-no", default: true }],
    ["words", { type: "string", maxLength: 9 }, { takes: "text", lengthMax: 9 }],
  ] as [string, SettingSchema, object][])("%s", (name, schema, field) => {
    expect(settingField(name, schema)).toMatchObject({ name, ...field });
  });

  test.each([
    ["what it is anyway stays out", { type: "number", default: 5 }, "5", undefined],
    ["empty stays out", { type: "number", default: 5 }, " ", undefined],
    ["a number", { type: "number", default: 5 }, "7.5", 7.5],
    ["a number out of bounds is the server's to refuse", whole, "1000", 1000],
    ["a choice keeps its type", { anyOf: [{ const: 401 }, { const: 403 }], default: 401 }, "403", 403],
    ["off, where it is on by itself", { type: "boolean", default: true }, false, false],
    ["a text that was emptied", { type: "string", default: "no" }, "", ""],
    ["a text that was never there", { type: "string" }, "", undefined],
  ] as [string, SettingSchema, string | boolean, unknown][])("%s", (_, schema, written, value) => {
    expect(settingOf(settingField("setting", schema), written)).toBe(value);
  });

  test("every setting of the catalogue has one that takes its default", () => {
    for (const { name, settings } of describeCatalogue(faults).faults) {
      for (const [setting, schema] of Object.entries(settings.properties as Record<string, SettingSchema>)) {
        const field = settingField(setting, schema);
        const written = typeof schema.default === "boolean" ? schema.default : String(schema.default ?? "");
        expect(settingOf(field, written), `${name} ${setting}`).toBeUndefined();
        expect(field.about, `${name} ${setting}`).not.toBe("");
      }
    }
  });
});
