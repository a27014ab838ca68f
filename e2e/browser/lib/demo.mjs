// The demo that stays, as a newcomer starts it: the real server, a virtual town, and the Demo desk.
import { execFile, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const program = process.env.LOQUET ?? fileURLToPath(new URL("../../../bin/loquet", import.meta.url));

// start plays the morning and returns once the three links are printed. more is for the server's environment.
export async function start(more) {
  const child = spawn(program, ["demo", "--stay"], { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...more } });
  const demo = { printed: "", url: "", links: {}, errors, local, stop };
  const ended = once(child, "exit");
  const data = () => demo.printed.match(/\/\S+\/data\b/)[0];
  // local is what a command says that is given at the server's machine.
  async function local(...words) {
    return (await promisify(execFile)(program, [...words, "--data", data()])).stdout.trim();
  }
  // errors is what the server had to report of itself.
  async function errors() {
    const lines = (await readFile(`${data()}/../server.log`, "utf8")).split("\n");
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
