// What the console's pages do beyond what all pages do.
import { holdRows } from './steady.mjs';
import { arrows } from './arrows.mjs';
import { toneOnLoss } from './loss.mjs';

holdRows();
arrows();
toneOnLoss();
