/** What the server has to choose from and says of itself for good: asked for once, when the page opens. */
import { askServer } from "./_ask-server.ts";
import type { Offer } from "./offer.ts";

export const offered: Promise<Offer> = askServer<Offer>("/_lucy/playground");
