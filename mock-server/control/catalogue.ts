/** Everything that can be declared, for people and tools: faults with their settings, and the moments they can be put at. */
import { z } from "zod";
import { catalogueOf } from "../faults/catalogue.ts";
import type { Fault } from "../faults/fault.ts";
import { momentNames, moments, numbered } from "../faults/moments.ts";

export const catalogueSchema = z.object({
  faults: z.array(
    z.object({
      name: z.string(),
      about: z.string(),
      places: z.array(z.looseObject({ channel: z.string() })),
      needs: z.string().nullable(),
      for: z.record(z.string(), z.number()).nullable(),
      times: z.number().nullable(),
      settings: z.record(z.string(), z.unknown()).describe("JSON Schema of `with`."),
    }),
  ),
  moments: z.array(z.object({ name: z.string(), about: z.string(), ordinal: z.enum(["protocol", "count"]) })),
});

/** `ordinal`: whether n of `tick:n` is a number of the protocol's, or how often the moment has come. */
export function describeCatalogue(faults: readonly Fault[]): z.output<typeof catalogueSchema> {
  return {
    faults: catalogueOf(faults).map((entry, index) => {
      const { $schema: _, ...settings } = z.toJSONSchema(faults[index]!.settings, {
        io: "input",
        unrepresentable: "any",
      });
      return { ...entry, places: [...entry.places], for: entry.for && { ...entry.for }, settings };
    }),
    moments: momentNames.map((name) => ({
      name,
      about: moments[name],
      ordinal: numbered.includes(name) ? "protocol" : "count",
    })),
  };
}
