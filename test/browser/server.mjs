// A web server on 127.0.0.1 for pages under test: files of the repository, and texts made up on the spot.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { chromium } from "playwright-core";

const root = join(import.meta.dirname, "../..");
const types = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".pare": "application/octet-stream",
  ".wasm": "application/wasm",
};
const policy = (script) => `default-src 'self' data:; style-src 'unsafe-inline'; script-src 'self' ${script}`;

/**
 * @param made bodies by path; every other path is a file
 * @returns the address of the server's root, and what stops it
 */
export async function startServer(made) {
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    try {
      const body = made[pathname] ?? (await readFile(join(root, normalize(pathname))));
      const script = searchParams.has("no-wasm") ? "" : "'wasm-unsafe-eval'";
      response.writeHead(200, {
        "content-type": types[extname(pathname)] ?? "text/plain",
        // The strictest policy that the README promises to be enough.
        "content-security-policy": policy(script),
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `http://127.0.0.1:${server.address().port}`,
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** CHROMIUM names another browser than /usr/bin/chromium. */
export function launchChromium() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
}
