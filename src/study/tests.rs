//! The door of the room.
