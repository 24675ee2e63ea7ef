// The parts of the page beside the layer, by name.
import {createOverlap} from "./overlap.js";
import {createSizes} from "./sizes.js";
import {createCode} from "./code.js";
import {createImage} from "./image.js";
import {createQuiz} from "./quiz.js";

export const PANELS = {overlap: createOverlap, sizes: createSizes, code: createCode, image: createImage, quiz: createQuiz};
