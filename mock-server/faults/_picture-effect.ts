/** A gate that gives every picture the same effect, beside those it has. */
import type { Gate, PictureEffect } from "./fault.ts";

export function pictureEffect(effect: PictureEffect): Gate<"media"> {
  return {
    take(item, next) {
      if (!("effect" in item)) {
        next(item);
        return false;
      }
      next({ ...item, effect: { ...item.effect, ...effect } });
      return true;
    },
  };
}
