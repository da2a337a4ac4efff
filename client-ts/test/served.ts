/**
 * The client against a running service: `HUB_URL` says where, `HUB_TOKEN` for whom (a person without any
 * role). Exits with 0 if everything was as the types say.
 */

import assert from "node:assert/strict";
import { hubClient, pages } from "../src/index.js";

const { HUB_URL: baseUrl, HUB_TOKEN: token } = process.env;
assert(baseUrl !== undefined && token !== undefined);
const hub = hubClient({ baseUrl, token: () => token });

// A typed answer.
const me = await hub.GET("/api/v1/auth/me");
assert(me.data !== undefined);
const accountId: string = me.data.accountId;
assert.match(accountId, /^[0-9a-f-]{36}$/);

// A command with a body and with a path.
for (const name of ["Acme Greenhouses", "Beta Farms", "Ceta Fields"]) {
  const made = await hub.POST("/api/v1/organizations", { body: { name } });
  assert.equal(made.response.status, 201);
  assert(made.data !== undefined);
  const params = { path: { id: made.data.organizationId } };
  const seen = await hub.GET("/api/v1/organizations/{id}", { params });
  assert.equal(seen.data?.name, name);
}

// A list, page by page.
const names: string[] = [];
const read = async (cursor: string | undefined) => {
  const query = cursor === undefined ? { limit: 2 } : { limit: 2, cursor };
  const page = await hub.GET("/api/v1/organizations", { params: { query } });
  assert(page.data !== undefined);
  return page.data;
};
for await (const page of pages(read)) {
  names.push(...page.organizations.map((each) => each.name));
}
assert.deepEqual(names.sort(), ["Acme Greenhouses", "Beta Farms", "Ceta Fields"]);

// A refusal is a typed problem.
const absent = await hub.GET("/api/v1/devices/{id}", { params: { path: { id: "no-such-device" } } });
assert.equal(absent.response.status, 404);
assert.equal(absent.error?.code, "device_not_found");

// What a body takes is known to the compiler before the service is asked.
const wrong = await hub.POST("/api/v1/organizations", {
  // @ts-expect-error: a name is a text
  body: { name: 7 },
});
assert.equal(wrong.response.status, 422);
assert.deepEqual(wrong.error?.errors?.map((each) => each.field), ["name"]);

// @ts-expect-error: there is no such path
const nowhere = await hub.GET("/api/v1/no-such-path", {});
assert.equal(nowhere.response.status, 404);
console.log("the client and the service agree");
