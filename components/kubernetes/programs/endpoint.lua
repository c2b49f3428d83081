-- gpu-metal
-- Answers the haproxies of all control planes, on a port of its own: does this one's API server take new connections?
-- haproxy cannot leave its chroot, /var/lib/haproxy; the file has the second since 1970 until which it does not.
core.register_service("state", "tcp", function(applet)
    local file, last = io.open("/gpu-metal-away"), 0
    if file then
        last = tonumber(file:read("*l") or "") or 0
        file:close()
    end
    applet:send(os.time() < last and "drain\n" or "ready\n")
end)
