// One application: looking at pictures, and the studio that crops 3:4 and rotates.
"use strict";

const assess = document.querySelector("[data-assess]");

// A picture in full size over the page.
for (const link of document.querySelectorAll("[data-zoom]")) {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const dialog = document.createElement("dialog");
    dialog.className = "zoom";
    dialog.setAttribute("aria-label", link.querySelector("img").alt);
    const picture = new Image();
    picture.src = link.href;
    picture.alt = link.querySelector("img").alt;
    const close = document.createElement("button");
    close.textContent = "Đóng";
    close.addEventListener("click", () => dialog.close());
    dialog.append(picture, close);
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  });
}

// What was typed into the decision travels along with a photo and is there again afterwards.
for (const upload of document.querySelectorAll("[data-keeps-decision]")) {
  upload.addEventListener("submit", () => {
    if (!assess) return;
    const draft = upload.elements.draft ?? upload.appendChild(document.createElement("input"));
    draft.type = "hidden";
    draft.name = "draft";
    draft.value = new URLSearchParams(new FormData(assess)).toString();
  });
}

const form = document.querySelector("[data-photo]");
const studio = document.getElementById("studio");

if (form && studio) {
  const input = form.querySelector("[type=file]");
  const canvas = studio.querySelector("canvas");
  const video = studio.querySelector("video");
  const stage = studio.querySelector(".stage");
  const trouble = studio.querySelector("[data-studio-error]");
  const camera = form.querySelector("[data-camera]");
  const button = (name) => studio.querySelector(`[data-do=${name}]`);
  const MAX_BYTES = 10 * 1024 * 1024;

  // The picture, how it is turned (quarter turns), how large it is shown and where its middle lies in the frame.
  let picture = null;
  let turns = 0;
  let zoom = 1;
  let shift = { x: 0, y: 0 };

  const fit = () => {
    const [w, h] = turns % 2 ? [picture.height, picture.width] : [picture.width, picture.height];
    return Math.max(canvas.width / w, canvas.height / h);
  };
  const draw = (target = canvas, scale = 1) => {
    const size = fit() * zoom;
    const [w, h] = turns % 2 ? [picture.height, picture.width] : [picture.width, picture.height];
    const room = { x: Math.max(0, (w * size - canvas.width) / 2), y: Math.max(0, (h * size - canvas.height) / 2) };
    shift.x = Math.max(-room.x, Math.min(room.x, shift.x));
    shift.y = Math.max(-room.y, Math.min(room.y, shift.y));
    const context = target.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.translate(canvas.width / 2 + shift.x, canvas.height / 2 + shift.y);
    context.rotate((turns * Math.PI) / 2);
    context.scale(size, size);
    context.drawImage(picture, -picture.width / 2, -picture.height / 2);
  };
  const show = (source) => {
    picture = source;
    [turns, zoom, shift] = [0, 1, { x: 0, y: 0 }];
    video.hidden = true;
    button("shoot").hidden = true;
    canvas.hidden = false;
    for (const name of ["left", "right", "in", "out", "use"]) button(name).hidden = false;
    draw();
    stage.focus();
  };
  const stopCamera = () => {
    for (const track of video.srcObject?.getTracks() ?? []) track.stop();
    video.srcObject = null;
  };

  const acts = {
    left: () => (turns = (turns + 3) % 4),
    right: () => (turns = (turns + 1) % 4),
    in: () => (zoom = Math.min(6, zoom * 1.15)),
    out: () => (zoom = Math.max(1, zoom / 1.15)),
    close: () => studio.close("cancel"),
    shoot: async () => show(await createImageBitmap(video)),
    use: () => {
      const out = document.createElement("canvas");
      const scale = Math.min(2.5, Math.max(1, 1 / (fit() * zoom)));
      out.width = Math.min(900, Math.round(canvas.width * scale));
      out.height = Math.round((out.width * 4) / 3);
      draw(out, out.width / canvas.width);
      out.toBlob(
        (blob) => {
          const files = new DataTransfer();
          files.items.add(new File([blob], "anh.jpg", { type: "image/jpeg" }));
          input.files = files.files;
          studio.close("use");
          form.requestSubmit();
        },
        "image/jpeg",
        0.92,
      );
    },
  };
  const act = (name) => {
    acts[name]();
    if (picture && ["left", "right", "in", "out"].includes(name)) draw();
  };
  studio.addEventListener("click", (event) => {
    const name = event.target.closest("[data-do]")?.dataset.do;
    if (name) act(name);
  });
  stage.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [12, 0], ArrowRight: [-12, 0], ArrowUp: [0, 12], ArrowDown: [0, -12] }[event.key];
    const name = { "+": "in", "=": "in", "-": "out", r: "right", R: "right", l: "left", L: "left" }[event.key];
    if (event.key === "Enter") {
      event.preventDefault();
      act(picture ? "use" : "shoot");
    } else if (picture && move) {
      event.preventDefault();
      shift.x += move[0];
      shift.y += move[1];
      draw();
    } else if (picture && name) {
      event.preventDefault();
      act(name);
    }
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!event.buttons || !picture) return;
    const ratio = canvas.width / canvas.getBoundingClientRect().width;
    shift.x += event.movementX * ratio;
    shift.y += event.movementY * ratio;
    draw();
  });
  canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    act(event.deltaY < 0 ? "in" : "out");
  }, { passive: false });
  studio.addEventListener("close", () => {
    stopCamera();
    if (studio.returnValue !== "use") input.value = "";
    picture = null;
  });

  // A file that was attached: cropped here, unless this browser cannot read it; then the server decides.
  input.addEventListener("change", async () => {
    const file = input.files[0];
    if (!file) return;
    const about = document.getElementById("photo-about");
    if (file.size > MAX_BYTES) {
      about.textContent = "Tệp lớn hơn 10 MB. Hãy chọn tệp nhỏ hơn.";
      about.className = "error";
      input.value = "";
      return;
    }
    const source = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
    if (!source) return;
    trouble.textContent = "";
    studio.returnValue = "";
    studio.showModal();
    show(source);
  });

  if (navigator.mediaDevices?.getUserMedia) {
    camera.hidden = false;
    camera.addEventListener("click", async () => {
      trouble.textContent = "";
      studio.returnValue = "";
      studio.showModal();
      picture = null;
      canvas.hidden = true;
      video.hidden = false;
      button("shoot").hidden = false;
      for (const name of ["left", "right", "in", "out", "use"]) button(name).hidden = true;
      try {
        video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 960 } });
        // Left while the browser still asked for permission: no camera stays on behind the page.
        if (!studio.open) return stopCamera();
        await video.play();
        stage.focus();
      } catch {
        trouble.textContent = "Không mở được webcam. Hãy kiểm tra dây cắm và quyền dùng camera, hoặc đính kèm tệp ảnh.";
      }
    });
  }
}
