// One ipx that serves a folder: node ipx.mjs FOLDER PORT TOLD. Run from the folder where ipx and sharp are installed.
//
// TOLD is JSON: what sharp's encoders are told, by format. ipx has no words for efforts or chroma, so they are put where
// it calls sharp; {} leaves everything as ipx has it.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

const installed = createRequire(join(process.cwd(), "package.json"));
const sharp = installed("sharp");
const { createIPX, createIPXNodeServer, ipxFSStorage } = installed("ipx");
const [folder, port, told] = process.argv.slice(2);
const encoders = JSON.parse(told);

sharp.cache(false); // the service keeps nothing between two jobs either
const toFormat = sharp.prototype.toFormat;
sharp.prototype.toFormat = function (format, options) {
  return toFormat.call(this, format, { ...options, ...encoders[format] });
};

const ipx = createIPX({ storage: ipxFSStorage({ dir: folder }) });
createServer(createIPXNodeServer(ipx)).listen(Number(port), "127.0.0.1");
