/** In your project this is the package itself. Here several versions are installed, under names of their own; the app takes the newest. */
declare module "@decartai/sdk" {
  export * from "decart-sdk-0.1.20";
}
