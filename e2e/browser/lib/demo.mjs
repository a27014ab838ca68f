// The demo that stays, as a newcomer starts it: the real server, a virtual town, and the Demo desk.
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const program = process.env.LOQUET ?? fileURLToPath(new URL("../../../bin/loquet", import.meta.url));

// start plays the morning and returns once the three links are printed.
export async function start() {
  const child = spawn(program, ["demo", "--stay"], { stdio: ["ignore", "pipe", "pipe"] });
  const demo = { printed: "", url: "", links: {}, errors, stop };
  const ended = once(child, "exit");
  // errors is what the server had to report of itself.
  async function errors() {
    const [, folder] = demo.printed.match(/(\/\S+)\/data\b/);
    const lines = (await readFile(`${folder}/server.log`, "utf8")).split("\n");
    return lines.filter((line) => line.includes('"level":"ERROR"'));
  }
  async function stop() {
    child.kill("SIGINT");
    await ended;
  }
  await new Promise((resolve, reject) => {
    const limit = setTimeout(() => {
      child.kill("SIGINT");
      reject(new Error(`the demo does not start:\n${demo.printed}`));
    }, 120_000);
    const read = (text) => {
      demo.printed += text;
      for (const [, app, address] of demo.printed.matchAll(/(operator|customer|courier)\s+(https?:\/\/\S+)/gi)) {
        demo.links[app.toLowerCase()] = address;
      }
      if (Object.keys(demo.links).length === 3) {
        clearTimeout(limit);
        resolve();
      }
    };
    child.stdout.setEncoding("utf8").on("data", read);
    child.stderr.setEncoding("utf8").on("data", (text) => (demo.printed += text));
    child.once("exit", (code) => reject(new Error(`the demo ended with ${code}:\n${demo.printed}`)));
  });
  demo.url = new URL(demo.links.customer).origin;
  return demo;
}
