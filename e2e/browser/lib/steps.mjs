// Steps of one test, each of which needs the one before.
import { join } from "node:path";

// stepping returns what runs a step. One that fails ends the test: those after it would only repeat it. With SHOTS=folder,
// pictures are taken of what everybody saw when a step ended.
export function stepping(t, people) {
  const shots = async (name) => {
    const file = name.replace(/[^a-z]+/gi, "-").slice(0, 40);
    for (const [who, { page }] of Object.entries(people)) await page.screenshot({ path: join(process.env.SHOTS, `${file}-${who}.png`) });
  };
  return async (name, does) => {
    let failed;
    await t.test(name, async () => {
      try {
        await does();
      } catch (e) {
        failed = e;
        throw e;
      } finally {
        if (process.env.SHOTS) await shots(name);
      }
    });
    if (failed) throw failed;
  };
}
