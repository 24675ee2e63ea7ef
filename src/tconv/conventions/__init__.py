"""Each framework's words for a setting, and what they come down to; imports none of the frameworks."""
