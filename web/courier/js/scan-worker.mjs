// Reads codes in pictures, beside the page, so that it stays quick.

import { prepareZXingModule, readBarcodes } from '../vendored/zxing-wasm-3.1.4/reader/index.js';

const wasm = new URL('../vendored/zxing-wasm-3.1.4/reader/zxing_reader.wasm', import.meta.url).href;

prepareZXingModule({ overrides: { locateFile: () => wasm } });

/** Symbologies that carriers print. */
const formats = ['Code128', 'Code39', 'ITF', 'DataBar', 'DataBarExpanded', 'QRCode', 'DataMatrix', 'Aztec'];

const options = {
  formats, textMode: 'Plain', maxNumberOfSymbols: 4, tryHarder: false, tryRotate: false, tryInvert: false, tryDownscale: false,
};
const harder = { ...options, tryHarder: true, tryRotate: true, tryInvert: true, tryDownscale: true };

addEventListener('message', async ({ data: { picture, hard } }) => {
  try {
    const found = await readBarcodes(picture, hard ? harder : options);
    postMessage({ codes: found.filter((c) => c.isValid && c.text).map((c) => ({ text: c.text, symbology: c.symbologyIdentifier })) });
  } catch (error) {
    postMessage({ codes: [], error: String(error) });
  }
});

// The first reading loads the module: it is done before anybody waits for it.
readBarcodes(new ImageData(8, 8), options).then(() => postMessage({ ready: true }), (error) => postMessage({ failed: String(error) }));
