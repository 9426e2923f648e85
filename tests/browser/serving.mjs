// The server the browser tests ask: the built `sopu` over a data folder, at a free port.
import { spawn } from "node:child_process";

/** Starts it; gives the process and its address once it says where it is. */
export async function serving(sopu, data) {
  const server = spawn(sopu, ["--data", data, "serve", "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "ignore"] });
  const base = await new Promise((done, fail) => {
    let said = "";
    server.stdout.on("data", (text) => {
      said += text;
      const found = said.match(/http:\/\/[0-9.:]+/);
      if (found) done(found[0]);
    });
    server.on("exit", (code) => fail(new Error(`sopu serve ended with ${code}`)));
  });
  return { server, base };
}
