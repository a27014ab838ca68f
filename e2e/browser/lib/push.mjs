// A push service and the browser behind it: it has the keys of a subscription, and reads what is pushed (RFC 8291).
import { createDecipheriv, createECDH, hkdfSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";

// pushService listens on this machine, and hands what comes to whoever waits for the next message that they want.
export async function pushService() {
  const key = createECDH("prime256v1");
  key.generateKeys();
  const secret = randomBytes(16);
  const come = [];
  let told = () => {};
  const server = createServer(async (req, res) => {
    const parts = [];
    for await (const part of req) parts.push(part);
    come.push(read(Buffer.concat(parts), key, secret));
    res.writeHead(201).end();
    told();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  async function next(wanted) {
    for (let limit = AbortSignal.timeout(20_000); ; ) {
      const found = come.find(wanted);
      if (found) return found;
      await new Promise((resolve, reject) => {
        told = resolve;
        limit.addEventListener("abort", () => reject(new Error(`it never came; there is ${JSON.stringify(come)}`)));
      });
    }
  }
  return {
    subscription: { endpoint: `http://127.0.0.1:${server.address().port}/1`, p256dh: key.getPublicKey("base64url"), auth: secret.toString("base64url") },
    next,
    close: () => server.close(),
  };
}

// read takes a message apart that was encrypted for the browser, as one record.
function read(body, key, secret) {
  const salt = body.subarray(0, 16), length = body[20];
  const sender = body.subarray(21, 21 + length), sealed = body.subarray(21 + length);
  const derived = (ikm, salt, info, length) => Buffer.from(hkdfSync("sha256", ikm, salt, info, length));
  const info = Buffer.concat([Buffer.from("WebPush: info\0"), key.getPublicKey(), sender]);
  const ikm = derived(key.computeSecret(sender), secret, info, 32);
  const open = createDecipheriv("aes-128-gcm", derived(ikm, salt, "Content-Encoding: aes128gcm\0", 16), derived(ikm, salt, "Content-Encoding: nonce\0", 12));
  open.setAuthTag(sealed.subarray(-16));
  const plain = Buffer.concat([open.update(sealed.subarray(0, -16)), open.final()]);
  return JSON.parse(plain.subarray(0, plain.lastIndexOf(2)).toString());
}
