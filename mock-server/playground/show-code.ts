/** What was done, as code, under three tabs; and the lines at the top of the page that lead an app here. */
import { controlToken } from "./_ask-server.ts";
import { say } from "./_build.ts";
import { element } from "./_element.ts";
import { type Code, driverCode, scenarioCode, sdkCode } from "./as-code.ts";
import { mockKeys } from "./choices.ts";
import { copyOnClick } from "./copy-text.ts";
import { type Deed, type SentImage, watchDeeds } from "./deeds.ts";
import { olderSdkSnippet, sdkSnippet } from "./snippets.ts";

type Tab = "sdk" | "scenario" | "driver";

const tabs: readonly Tab[] = ["sdk", "scenario", "driver"];
const tabOf = (tab: Tab) => element<HTMLButtonElement>(`tab-${tab}`);

export function showSnippets(url: string, realtimeUrl: string): void {
  element("address").textContent = url;
  element("newer").textContent = sdkSnippet(url, realtimeUrl);
  element("older").textContent = olderSdkSnippet(realtimeUrl);
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-copies]")) {
    const name = button.dataset.copies!;
    button.setAttribute("aria-describedby", `${name}-title`);
    copyOnClick(button, element(name));
  }
}

/** Keeps the code up to date with what is done. */
export function showDeeds(url: string, realtimeUrl: string): void {
  let deeds: readonly Deed[] = [];
  let open: Tab = "sdk";
  const about = () => ({ url, realtimeUrl, needsToken: controlToken() !== null, mockKeys: mockKeys() });
  const code = element("code");
  const copy = element<HTMLButtonElement>("copy-code");

  const write: Record<Tab, (imageText?: (image: SentImage) => string) => Code> = {
    sdk: () => sdkCode(deeds, about()),
    scenario: () => scenarioCode(deeds, about()),
    driver: (imageText) => driverCode(deeds, about(), imageText),
  };

  function show(): void {
    const { text, notes } = write[open]();
    say(code, text);
    element("code-box").hidden = text === "";
    element("code-notes").textContent = notes.join(" ");
  }

  function choose(tab: Tab): void {
    open = tab;
    for (const one of tabs) {
      tabOf(one).setAttribute("aria-selected", String(one === tab));
      tabOf(one).tabIndex = one === tab ? 0 : -1;
    }
    element("code-panel").setAttribute("aria-labelledby", `tab-${tab}`);
    show();
  }

  for (const tab of tabs) {
    tabOf(tab).addEventListener("click", () => choose(tab));
    tabOf(tab).addEventListener("keydown", ({ key }) => {
      const next = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (next === undefined) return;
      const chosen = tabs.at((tabs.indexOf(tab) + next) % tabs.length)!;
      choose(chosen);
      tabOf(chosen).focus();
    });
  }
  copyOnClick(copy, code, async () => {
    const base64 = await base64Of(deeds);
    return write[open]((image) => base64.get(image) ?? "").text;
  });
  addEventListener("hashchange", show);
  watchDeeds((all) => {
    deeds = [...all];
    show();
  });
}

/** Of each image that is still at hand. */
async function base64Of(deeds: readonly Deed[]): Promise<ReadonlyMap<SentImage, string>> {
  const images = deeds.flatMap((deed) => ("image" in deed && deed.image?.bytes ? [deed.image] : []));
  return new Map(
    await Promise.all(
      images.map(async (image) => {
        const bytes = new Uint8Array(await image.bytes!.arrayBuffer());
        let text = "";
        for (const byte of bytes) text += String.fromCharCode(byte);
        return [image, btoa(text)] as const;
      }),
    ),
  );
}
