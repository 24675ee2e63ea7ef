"""What the sheets say, in plain words; where both layers have their own, by whether it is the transposed one."""

from __future__ import annotations

__all__ = ["BACK", "CELL", "COLLECT", "DATA", "DISTRIBUTE", "MATRIX", "NUMBERS_ONLY", "PADDING", "PHASES", "RELATION",
           "SHEETS", "START", "STRIDES", "TITLES", "TRY", "TRY_SHOWN"]

TITLES = {
    "Data": "Input and kernel",
    "Distribute": "Distribute: stamps, laid at their places and added",
    "Collect": "Collect: one sum of products for each output cell",
    "Cell": "One cell: what it is made from",
    "Matrix": "Matrix: one table of numbers, times the input in one column",
    "Phases": "Phases: one small convolution for each residue of the stride",
    "Padding": "Padding: the same numbers, cropped or ringed",
    "Stride": "Stride: the same numbers, moved apart",
    "Try": "Try: any stride, dilation and crop",
}
START = {
    True: (
        "A transposed convolution, worked out with its own numbers, in four ways that must agree. Change any "
        "number on the sheet Data: every other number is a formula and follows."
    ),
    False: (
        "A convolution, worked out with its own numbers, in four ways that must agree. Change any number on the "
        "sheet Data: every other number is a formula and follows."
    ),
}
RELATION = (
    "One relation joins the two grids, on each axis:   fine index = coarse index * stride + tap * dilation - crop"
    " at the start.   A transposed convolution goes from coarse to fine, a convolution from fine to coarse."
)
SHEETS = {
    "Data": "input, kernel and bias, to edit; the result",
    "Distribute": "one stamp for each input cell, laid at its place, and all of them added",
    "Collect": "one sum of products for each output cell",
    "Cell": "any one output cell, with all that it is made from",
    "Matrix": "the convolution matrix and its transpose, times a vector",
    "Phases": "one small convolution for each residue of the stride",
    "Padding": "the same input and kernel, with other paddings",
    "Stride": "the same input and kernel, with other strides",
    "Try": "the same input and kernel, with the stride, dilation and crop that you type",
}
DATA = (
    "These are the numbers that everything else is made from. Cells with a dashed frame on pale yellow are yours:"
    " type another number into any of them and watch every sheet follow. All other numbers in this workbook are "
    "formulas."
)
NUMBERS_ONLY = "Please type a number: every formula of this workbook multiplies or adds it."
DISTRIBUTE = {
    True: (
        "Every input value multiplies the whole kernel: that is its stamp. The stamp of input cell (i, j) is laid"
        " down with its corner at (i, j) times the stride. Where stamps overlap, they are added. A crop, if "
        "there is one, then cuts off the hatched cells; last comes the bias. This is how a transposed convolution "
        "is usually defined."
    ),
    False: (
        "A convolution can be seen from its input, too: every input value goes to each output whose window it "
        "lies under, times the tap that meets it there. Added up, these stamps are the result; then comes the "
        "bias."
    ),
}
COLLECT = {
    True: (
        "The same numbers from the other side. Put stride - 1 zeros between the input values and a ring of zeros "
        "around them (grey: added, not data), turn the kernel by 180 degrees, and slide it over the grid in steps"
        " of one. Every output cell collects what lies under the kernel: one sum of products."
    ),
    False: (
        "Put the padding around the input (grey: added, not data) and slide the kernel over it, as it is, in "
        "steps of the stride. Every output cell collects what lies under the kernel: one sum of products."
    ),
}
CELL = (
    "Choose a cell of the result: type its channel, row and column, counted from 0. Below you see what lies under"
    " the kernel there, the kernel, and their products. The products and the bias add up to the cell. On the "
    "sheet Collect the window and the cell are marked."
)
MATRIX = (
    "Both layers are one table of numbers. Write the convolution as a matrix: a row for each cell of the coarse "
    "grid, a column for each cell of the fine one, and the tap where the two meet. It turns fine into coarse. Its"
    " transpose, rows and columns exchanged, turns coarse into fine: that is the transposed convolution, and "
    "where its name is from."
)
BACK = (
    "The other matrix, times this product, has as many numbers as the input, but they are not the input's: transposed "
    "is not inverse."
)
PHASES = {
    True: (
        "Cells of the fine grid that lie a stride apart are made by the same taps. So the layer falls into one "
        "small convolution without stride for each phase, and their results are interleaved. Nothing is "
        "multiplied with an added zero: this is how fast code does it. Phases that hold unequal numbers of taps "
        "are what makes a checkerboard."
    ),
    False: (
        "Taps that lie a stride apart read the same cells of the fine grid. So the layer falls into one small "
        "convolution without stride for each phase, and their results are added. This is how fast code does it."
    ),
}
PADDING = {
    True: (
        "The same input and kernel with other paddings. Everything is reversed: what is called padding in a "
        "transposed convolution cuts a ring of that width off the full result, so that more padding gives a "
        "smaller result. Seen from the middle, the numbers that stay are the same."
    ),
    False: (
        "The same input and kernel with other paddings. Each ring of zeros around the input makes room for more "
        "windows, so that more padding gives a larger result. The numbers in the middle stay the same."
    ),
}
STRIDES = {
    True: (
        "The same input and kernel with other strides, without padding. The stride of a transposed convolution "
        "steps over the result: stamps move apart, the result grows, and where the stride does not divide the "
        "kernel the overlap is uneven. The number of products that each cell is made from is shown beside it."
    ),
    False: (
        "The same input and kernel with other strides, without padding. A larger stride skips windows, and the "
        "result shrinks. The number of products that each cell is made from is shown beside it."
    ),
}
TRY = {
    True: (
        "Here the setting is yours, too: type a stride, a dilation, and how many cells to crop at the start and at the "
        "end (a negative number adds cells). Each cell of the result adds up the products whose input cell and tap "
        "meet there: input * stride + tap * dilation - start."
    ),
    False: (
        "Here the setting is yours, too: type a stride, a dilation, and how many zeros to pad at the start and at the "
        "end (a negative number crops). Each cell of the result adds up the products whose input cell and tap meet "
        "there: result * stride + tap * dilation - start is the input cell."
    ),
}
TRY_SHOWN = " (the first {0} x {1} cells have a place here)"
