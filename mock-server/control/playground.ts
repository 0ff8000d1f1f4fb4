import express from "express";
import type { ServerContext } from "../context.ts";
import type { MockServer } from "../server.ts";

export function playground(_server: MockServer, _context: ServerContext): express.Router {
  return express.Router();
}
