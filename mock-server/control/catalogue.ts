/** Everything that can be declared, for people and tools: faults with their settings, and the moments they can be put at. */
import { z } from "zod";
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
    faults: faults.map(({ name, about, places, needs, for: span, times, settings }) => {
      const { $schema: _, ...schema } = z.toJSONSchema(settings, { io: "input", unrepresentable: "any" });
      return {
        name,
        about,
        places: places.map((place) => ({ ...place })),
        needs: needs ?? null,
        for: span ? { ...span } : null,
        times: times ?? null,
        settings: schema,
      };
    }),
    moments: momentNames.map((name) => ({
      name,
      about: moments[name],
      ordinal: numbered.includes(name) ? "protocol" : "count",
    })),
  };
}
