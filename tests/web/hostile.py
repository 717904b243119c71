"""Texts that would run, break out or deceive if a page took them for anything but text."""

SCRIPTS = (
    "<img src=x onerror=hacked()>",
    "<script>hacked()</script>",
    '"><svg onload=hacked()>',
    "' onfocus='hacked()' autofocus='",
    "javascript:hacked()",
    "{{ 7 * 7 }}{% raise %}",
    "</title><script>hacked()</script>",
    "\u202egpj.exe\u202c",
    "&lt;b&gt; &amp; <b>",
)
DESCRIPTION = "\n".join(SCRIPTS)
# What a group name allows, at its worst.
GROUP_NAME = "..~~--__javascript"
DISTINGUISHED_NAME = "CN=<script>hacked()</script>,O='x' <b>,C=ca"
EMAIL = "\"onfocus='hacked()'autofocus='@example.org"
