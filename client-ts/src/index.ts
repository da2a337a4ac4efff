/** The IoT Hub API for TypeScript: paths, parameters, bodies and answers are those of the document. */

import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.js";

export type { components, operations, paths } from "./schema.js";

/** What every refusal and failure says; programs compare `code`. */
export type Problem = components["schemas"]["ProblemView"];

/** A `fetch` for each path and method of the API. */
export type HubClient = Client<paths>;

/** How a client reaches the service, and who it speaks for. */
export interface HubOptions {
  /** Where the service is, without a path: `https://hub.example.com`. */
  readonly baseUrl: string;
  /** The caller's access token, asked for before every request so that it may be renewed. */
  readonly token: () => string | Promise<string>;
  /** Another `fetch` than the platform's. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

/** Makes a client. It sends the token to `baseUrl` only: a redirect is an error. */
export function hubClient(options: HubOptions): HubClient {
  const client = createClient<paths>({
    baseUrl: options.baseUrl,
    redirect: "error",
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
  });
  client.use({
    async onRequest({ request }) {
      request.headers.set("authorization", `Bearer ${await options.token()}`);
      return request;
    },
  });
  return client;
}

/** Reads a list to its end, page by page. `read` gets the cursor of the page, none for the first. */
export async function* pages<Page extends { nextCursor?: string | null }>(
  read: (cursor: string | undefined) => Promise<Page>,
): AsyncGenerator<Page, void, undefined> {
  let cursor: string | undefined;
  do {
    const page: Page = await read(cursor);
    yield page;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}
