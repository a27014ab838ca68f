// A parcel's label as a phone's camera sees it: held in a hand that shakes, not always in focus, on a table.
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import bwip from "bwip-js";

// drawn returns the label's picture (PNG). kind is a name of bwip-js: "gs1-128", "code128", "qrcode", "gs1qrcode",
// "datamatrix", "gs1datamatrix".
export function drawn(kind, text) {
  return bwip.toBuffer({
    bcid: kind, text, scale: 3, height: 22, paddingwidth: 12, paddingheight: 12,
    backgroundcolor: "FFFFFF", includetext: true, textxalign: "center",
  });
}

// filmed writes a film (Y4M, 1280×720, 15 pictures a second) that shows the label for so many seconds, in a loop:
// it moves, turns and blurs. Returns the file's path.
export async function filmed(folder, name, kind, text, seconds = 4) {
  const picture = join(folder, `${name}.png`);
  const film = join(folder, `${name}.y4m`);
  await writeFile(picture, await drawn(kind, text));
  const shaken = [
    "scale=w='min(900,iw)':h=-1",
    "pad=1600:1000:(ow-iw)/2:(oh-ih)/2:color=0x8A8F94",
    "rotate=a='0.05*sin(2.1*t)+0.02*sin(9*t)':fillcolor=0x8A8F94",
    "crop=1280:720:x='160+60*sin(1.7*t)+6*sin(23*t)':y='140+40*cos(1.3*t)+6*sin(29*t)'",
    // Out of focus for half a second of each.
    "gblur=sigma=4:enable='lt(mod(t,1),0.5)'",
    "gblur=sigma=0.8",
    "noise=alls=8:allf=t",
  ].join(",");
  await run("ffmpeg", ["-hide_banner", "-loglevel", "error", "-y", "-loop", "1", "-framerate", "15", "-t", String(seconds), "-i", picture,
    "-vf", shaken, "-pix_fmt", "yuv420p", film]);
  return film;
}

function run(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
    child.once("error", reject);
    child.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}`))));
  });
}
