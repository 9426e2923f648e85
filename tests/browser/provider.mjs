// An identity provider of an organisation, as a process of its own: provider.mjs PORT BACK SECRET
import { randomBytes } from "node:crypto";
import { Provider } from "oidc-provider";

const [, , port, back, secret] = process.argv;
const people = {
  "sub-aino": { email: "Aino@hoiva.example", email_verified: true },
  "sub-unsure": { email: "onni@hoiva.example", email_verified: false },
  "sub-stranger": { email: "stranger@elsewhere.example", email_verified: true },
};
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: "sopu", client_secret: secret, redirect_uris: [back] }],
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id, ...people[id] }) }),
  cookies: { keys: [randomBytes(16).toString("hex")] },
  features: { devInteractions: { enabled: true } },
  pkce: { required: () => true },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
