// Field types shared by the message schemas. Each carries the phrase an error shows after "it": what the field must be.
import { z } from "zod";

export const text = z.string({ error: "must be a string" });

export const filledText = z
  .string({ error: "must be a string of at least 1 character" })
  .min(1, { error: "must be a string of at least 1 character" });

export const textOrNull = z.string({ error: "must be a string or null" }).nullable();

export const flag = z.boolean({ error: "must be true or false" });

export const number = z.number({ error: "must be a number" });

export const wholeNumber = z.int({ error: "must be a whole number" });
