//! Plot geometry to cells, SVG and PNG. Empty until the screens of the workbench need it.
